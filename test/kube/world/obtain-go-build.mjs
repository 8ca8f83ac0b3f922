// The last resort: `go build` from Go modules, into caches of its own that are deleted afterwards.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  lstatSync,
  readdirSync,
} from 'node:fs';
import { join } from 'node:path';

/** One main module per tool and Kubernetes minor: a module graph can hold only one version of the staging modules. */
const RECIPES = {
  etcd: (set) => {
    const module = { etcd: 'server/v3', etcdctl: 'etcdctl/v3', etcdutl: 'etcdutl/v3' };
    return {
      requires: set.programs.map((program) => [`go.etcd.io/etcd/${module[program]}`, `v${set.version}`]),
      package: (program) => `go.etcd.io/etcd/${module[program]}`,
      stamps: {},
    };
  },
  kwok: (set) => ({
    requires: [['sigs.k8s.io/kwok', `v${set.version}`]],
    package: () => 'sigs.k8s.io/kwok/cmd/kwok',
    stamps: { 'sigs.k8s.io/kwok/pkg/consts.Version': `v${set.version}` },
  }),
  kubernetes: (set) => {
    const [, minor, patch] = set.version.split('.');
    const stamps = {};
    // kubectl and the servers compare these; without them every program calls itself v0.0.0-master.
    for (const root of ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']) {
      Object.assign(stamps, {
        [`${root}.gitVersion`]: `v${set.version}`,
        [`${root}.gitMajor`]: '1',
        [`${root}.gitMinor`]: minor,
      });
    }
    stamps['k8s.io/component-base/version.gitTreeState'] = 'clean';
    stamps['k8s.io/component-base/version.gitCommit'] = 'unknown';
    return {
      requires: [['k8s.io/kubernetes', `v${set.version}`]],
      package: (program) => `k8s.io/kubernetes/cmd/${program}`,
      stamps,
      staging: { module: `k8s.io/kubernetes@v${set.version}`, version: `v0.${minor}.${patch}` },
    };
  },
};

function goEnv(work) {
  const folder = (name) => {
    mkdirSync(join(work, name), { recursive: true });
    return join(work, name);
  };
  return {
    ...process.env,
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
    GOWORK: 'off',
    GOFLAGS: '-mod=mod -buildvcs=false -modcacherw',
    GOCACHE: folder('gocache'),
    GOMODCACHE: folder('gomod'),
    GOTMPDIR: folder('gotmp'),
  };
}

/** Runs go; resolves with stdout, rejects with the last lines of stderr. */
function go(args, { cwd, env, keepRunning }) {
  return new Promise((done, fail) => {
    const child = spawn('go', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    keepRunning?.(child);
    const out = [];
    let err = '';
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => (err = (err + chunk).slice(-8_000)));
    child.on('error', (error) =>
      fail(new Error(error.code === 'ENOENT' ? 'Go is not installed (1.25 or newer is needed)' : error.message)),
    );
    child.on('close', (code) => {
      if (code === 0) done(Buffer.concat(out).toString());
      else fail(new Error(`go ${args[0]} failed: ${err.trim().split('\n').slice(-4).join(' | ')}`));
    });
  });
}

/**
 * k8s.io/kubernetes names its staging modules v0.0.0 and replaces them by paths of its own repository; outside of it
 * each must be replaced by the published version of the same release. Its `go` and `godebug` lines belong to it too.
 */
async function stagingLines(staging, options) {
  const { GoMod } = JSON.parse(await go(['mod', 'download', '-json', staging.module], options));
  const lines = readFileSync(GoMod, 'utf8').split('\n');
  const names = new Set();
  for (const line of lines) {
    const name = /^\s+(k8s\.io\/[a-z-]+) (?:v0\.0\.0$|=> \.)/.exec(line)?.[1];
    if (name) names.add(name);
  }
  const head = lines.filter((line) => /^(go|godebug) [^(]/.test(line));
  const block = /^godebug \([^)]*\)/m.exec(lines.join('\n'))?.[0];
  const replaces = [...names].sort().map((name) => `replace ${name} => ${name} ${staging.version}`);
  return [...head, ...(block ? [block] : []), ...replaces];
}

async function layModule(set, recipe, options) {
  const { cwd } = options;
  mkdirSync(cwd, { recursive: true });
  if (existsSync(join(cwd, 'go.sum'))) return; // an interrupted run has resolved this graph already
  writeFileSync(join(cwd, 'go.mod'), 'module example.invalid/obtain\n');
  const extra = recipe.staging ? await stagingLines(recipe.staging, options) : ['go 1.24'];
  const requires = recipe.requires.map(([name, version]) => `require ${name} ${version}`);
  writeFileSync(join(cwd, 'go.mod'), ['module example.invalid/obtain', ...extra, ...requires, ''].join('\n'));
  const imports = set.programs.map((program) => `import _ "${recipe.package(program)}"`);
  writeFileSync(join(cwd, 'tools.go'), ['//go:build tools', '', 'package tools', '', ...imports, ''].join('\n'));
  await go(['mod', 'tidy'], options);
}

/** Builds the programs of one set that are still missing; each finished one is moved into `folder` at once. */
export async function buildSet(set, programs, { folder, work, say, keepRunning }) {
  const recipe = RECIPES[set.kind](set);
  const options = { cwd: join(work, set.folder), env: goEnv(work), keepRunning };
  say(`${set.folder}: resolving its Go modules`);
  await layModule(set, recipe, options);
  mkdirSync(folder, { recursive: true });
  const stamps = Object.entries(recipe.stamps).map(([name, value]) => ` -X ${name}=${value}`);
  for (const program of programs) {
    const started = Date.now();
    say(`${set.folder}: building ${program}`);
    const partial = join(options.cwd, program); // below the same cache: the rename stays on one disk
    await go(
      ['build', '-trimpath', '-ldflags', `-s -w${stamps.join('')}`, '-o', partial, recipe.package(program)],
      options,
    );
    chmodSync(partial, 0o755);
    renameSync(partial, join(folder, program));
    say(`${set.folder}: ${program} built in ${Math.round((Date.now() - started) / 1000)} s`);
  }
}

/** Module caches may hold read-only folders (if GOFLAGS lost its -modcacherw), which a plain removal trips over. */
export function removeWork(work) {
  const unlock = (path) => {
    if (!lstatSync(path).isDirectory()) return;
    chmodSync(path, 0o755);
    for (const name of readdirSync(path)) unlock(join(path, name));
  };
  try {
    rmSync(work, { recursive: true, force: true });
  } catch {
    unlock(work);
    rmSync(work, { recursive: true, force: true });
  }
}
