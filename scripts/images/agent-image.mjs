// The agent's image: Node, the agent in one file and its pieces, etcdutl for proofs of snapshots. No shell, not root.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, SETS } from '../../test/kube/world/obtain-catalogue.mjs';
import { root as repository } from '../setup.mjs';
import { baseLayer, launcher, nodeLayer, USER } from './base-layers.mjs';
import { putFile, putText, settleFolders } from './root-folder.mjs';

const DIST = join(repository, 'apps/agent/dist');
const ENTRY = 'wavegate-agent.mjs';

/** The bundle's own pieces; earlier builds leave theirs beside them. */
function piecesOf(file, seen = new Set()) {
  for (const [, name] of readFileSync(join(DIST, file), 'utf8').matchAll(
    /["'](?:\.\/|\.\/wavegate-agent-pieces\/)([\w.-]+\.mjs)["']/g,
  )) {
    const piece = `wavegate-agent-pieces/${name}`;
    if (seen.has(piece) || !existsSync(join(DIST, piece))) continue;
    seen.add(piece);
    piecesOf(piece, seen);
  }
  return seen;
}

function etcdutl() {
  const set = SETS.find(({ id }) => id === 'etcd');
  const path = find(set, 'etcdutl');
  if (!path) throw new Error('etcdutl is missing: node test/kube/world/obtain.mjs --only=etcd');
  return { path, version: set.version };
}

function appLayer(root) {
  if (!existsSync(join(DIST, ENTRY))) throw new Error('the agent is not built: make build');
  for (const file of [ENTRY, ...piecesOf(ENTRY)]) putFile(root, join('app', file), join(DIST, file));
  putText(root, 'usr/local/bin/wavegate-agent', launcher(`/app/${ENTRY}`), 0o755);
  putFile(root, 'usr/local/bin/etcdutl', etcdutl().path, 0o755);
  settleFolders(root);
  return { root, createdBy: 'make images: wavegate-agent and etcdutl' };
}

export const agentImage = {
  repository: 'registry.example/wavegate/agent',
  workspaces: ['apps/agent'],
  extras: () => [
    {
      name: 'etcdutl',
      version: etcdutl().version,
      purl: `pkg:golang/go.etcd.io/etcd/etcdutl/v3@v${etcdutl().version}`,
    },
  ],
  layers: (folder) => [baseLayer(folder('base')), nodeLayer(folder('node')), appLayer(folder('app'))],
  config: {
    User: `${USER}:${USER}`,
    WorkingDir: '/',
    Entrypoint: ['wavegate-agent'],
    Cmd: ['--help'],
    // As apps/agent/bin/wavegate-agent: what was measured to keep an agent at rest small.
    Env: [
      'PATH=/usr/local/bin',
      'HOME=/tmp',
      'MALLOC_ARENA_MAX=1',
      'NODE_COMPILE_CACHE=/tmp/wavegate-compiled',
      'NODE_OPTIONS=--max-semi-space-size=1 --max-old-space-size=96 --disable-warning=DEP0123',
    ],
    ExposedPorts: { '8081/tcp': {} },
    Labels: { 'org.opencontainers.image.title': 'wavegate-agent', 'org.opencontainers.image.licenses': 'Apache-2.0' },
  },
};
