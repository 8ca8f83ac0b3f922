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
  cpSync,
  lstatSync,
  readdirSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const COREDNS_PLUGINS = 'errors health ready kubernetes metrics forward cache loop reload loadbalance hosts log'.split(
  ' ',
);

/** One main module per tool and Kubernetes minor: a module graph can hold only one version of the staging modules. */
const RECIPES = {
  etcd: (set) => {
    const module = { etcd: 'server/v3', etcdctl: 'etcdctl/v3', etcdutl: 'etcdutl/v3' };
    return {
      // Both tools take their code and the version they tell from modules of the server's version: only their `main` is older.
      requires: set.programs.map((program) => [
        `go.etcd.io/etcd/${module[program]}`,
        `v${program === 'etcd' ? set.version : (set.tools ?? set.version)}`,
      ]),
      package: (program) => `go.etcd.io/etcd/${module[program]}`,
      stamps: {},
    };
  },
  kwok: (set) => ({
    requires: [['sigs.k8s.io/kwok', `v${set.version}`]],
    package: () => 'sigs.k8s.io/kwok/cmd/kwok',
    stamps: { 'sigs.k8s.io/kwok/pkg/consts.Version': `v${set.version}` },
  }),
  // A real object store for backups (`rclone serve s3`). Only that command and the local disk: the whole has 70 backends.
  rclone: (set) => ({
    requires: [['github.com/rclone/rclone', `v${set.version}`]],
    package: () => '.',
    main: ['backend/local', 'cmd/serve/s3'].map((part) => `github.com/rclone/rclone/${part}`),
    run: ['github.com/rclone/rclone/cmd', 'cmd.Main()'],
    stamps: { 'github.com/rclone/rclone/fs.Version': `v${set.version}` },
  }),
  // With the plugins of kubeadm's Corefile only: the whole has fifty, with the client libraries of three clouds.
  coredns: (set) => ({
    requires: [['github.com/coredns/coredns', `v${set.version}`]],
    package: () => '.',
    main: COREDNS_PLUGINS.map((plugin) => `github.com/coredns/coredns/plugin/${plugin}`),
    run: ['github.com/coredns/coredns/coremain', 'coremain.Run()'],
    stamps: {},
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
  velero: (set) => ({
    copyOf: `github.com/vmware-tanzu/velero@v${set.version}`,
    // The patch its go.mod pins was never served by every module proxy; the next one is the same API.
    gets: ['k8s.io/cli-runtime@v0.33.13'],
    package: (program) => `./cmd/${program}`,
    stamps: {
      'github.com/vmware-tanzu/velero/pkg/buildinfo.Version': `v${set.version}`,
      // Its library listens on *:8080 beside Velero's own metrics, without a flag: two servers on one machine would clash.
      'sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress': '0',
    },
  }),
  // Prometheus 3.15.0 is the module's v0.315.0. Its web UI is not part of the module: built without it. By its own tag also
  // without the 28 ways of finding targets in clouds, whose client libraries are most of its compile time: targets are named here.
  prometheus: (set) => {
    const [major, minor, patch] = set.version.split('.');
    return {
      copyOf: `github.com/prometheus/prometheus@v0.${Number(major) * 100 + Number(minor)}.${patch}`,
      gets: [],
      tags: ['remove_all_sd'],
      package: (program) => `./cmd/${program}`,
      stamps: { 'github.com/prometheus/common/version.Version': set.version },
    };
  },
  // Its web UI is built apart and not part of the module, and the program embeds that folder: an empty page stands for it.
  alertmanager: (set) => ({
    copyOf: `github.com/prometheus/alertmanager@v${set.version}`,
    gets: [],
    lays: { 'ui/app/dist/index.html': '<!doctype html><title>Alertmanager</title>' },
    package: (program) => `./cmd/${program}`,
    stamps: { 'github.com/prometheus/common/version.Version': set.version },
  }),
  helm: (set) => {
    const module = `helm.sh/helm/v${set.version.split('.')[0]}`;
    return {
      copyOf: `${module}@v${set.version}`,
      gets: [],
      package: (program) => `./cmd/${program}`,
      stamps: { [`${module}/internal/version.version`]: `v${set.version}` },
    };
  },
  'velero-plugin-for-aws': (set) => ({
    copyOf: `github.com/vmware-tanzu/velero-plugin-for-aws@v${set.version}`,
    gets: [],
    package: (program) => `./${program}`,
    stamps: {},
  }),
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
    // Compilers are short-lived: four times the garbage before each collection is a fifth less work, for some 100 MB more.
    GOGC: process.env.GOGC ?? '400',
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
  const extra = recipe.staging ? await stagingLines(recipe.staging, options) : ['go 1.25'];
  const requires = recipe.requires.map(([name, version]) => `require ${name} ${version}`);
  writeFileSync(join(cwd, 'go.mod'), ['module example.invalid/obtain', ...extra, ...requires, ''].join('\n'));
  writeFileSync(join(cwd, 'main.go'), recipe.main ? ownProgram(recipe) : toolsFile(set, recipe));
  await go(['mod', 'tidy'], options);
}

function toolsFile(set, recipe) {
  const imports = set.programs.map((program) => `import _ "${recipe.package(program)}"`);
  return ['//go:build tools', '', 'package tools', '', ...imports, ''].join('\n');
}

/** A program that is put together from parts of a module. */
function ownProgram({ main, run: [library, call] }) {
  const imports = [...main.map((part) => `import _ "${part}"`), `import "${library}"`];
  return ['package main', '', ...imports, '', `func main() { ${call} }`, ''].join('\n');
}

/** A module whose go.mod has `replace` lines of its own builds only as the main module: in a writable copy of it. */
async function layCopy(recipe, options) {
  const { cwd } = options;
  if (existsSync(join(cwd, '.laid'))) return;
  mkdirSync(cwd, { recursive: true });
  const { Dir } = JSON.parse(await go(['mod', 'download', '-json', recipe.copyOf], options));
  cpSync(Dir, cwd, { recursive: true });
  chmodSync(cwd, 0o755);
  for (const [path, text] of Object.entries(recipe.lays ?? {})) layFile(cwd, path, text);
  for (const module of recipe.gets) await go(['get', module], options);
  writeFileSync(join(cwd, '.laid'), '');
}

/** A file that the module lacks; the module cache hands out folders that nobody may write into. */
function layFile(cwd, path, text) {
  const folder = dirname(path);
  const parts = folder.split('/').map((_, n, all) => join(cwd, ...all.slice(0, n)));
  for (const parent of parts) if (existsSync(parent)) chmodSync(parent, 0o755);
  mkdirSync(join(cwd, folder), { recursive: true });
  writeFileSync(join(cwd, path), text);
}

/** Builds the programs of one set that are still missing; each finished one is moved into `folder` at once. */
export async function buildSet(set, programs, { folder, work, say, keepRunning }) {
  const recipe = RECIPES[set.kind](set);
  const options = { cwd: join(work, set.id), env: goEnv(work), keepRunning };
  say(`${set.folder}: resolving its Go modules`);
  await (recipe.copyOf ? layCopy(recipe, options) : layModule(set, recipe, options));
  mkdirSync(folder, { recursive: true });
  const stamps = Object.entries(recipe.stamps).map(([name, value]) => ` -X ${name}=${value}`);
  const tags = recipe.tags ? ['-tags', recipe.tags.join(',')] : [];
  for (const program of programs) {
    const started = Date.now();
    say(`${set.folder}: building ${program}`);
    const partial = join(options.cwd, `${program}.built`); // below the same cache: the rename stays on one disk
    await go(
      ['build', '-trimpath', ...tags, '-ldflags', `-s -w${stamps.join('')}`, '-o', partial, recipe.package(program)],
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
