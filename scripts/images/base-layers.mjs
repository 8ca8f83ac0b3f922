// The two lowest layers, the same for hub and agent, so that a node that has one image fetches only the rest of the other:
// the C library with an account that is not root, and Node itself.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { librariesOf, putFile, putFolder, putLibraries, putText, settleFolders } from './root-folder.mjs';
import { root as repository } from '../setup.mjs';

export const USER = 65532;

/** Node as a package of the registry, or the one that runs this. */
export function nodeProgram() {
  const packaged = join(
    repository,
    '.tools',
    'node_modules',
    `node-${process.platform}-${process.arch}`,
    'bin',
    'node',
  );
  return existsSync(packaged) ? packaged : process.execPath;
}

export function baseLayer(root) {
  putLibraries(root, librariesOf([nodeProgram()]));
  putText(root, 'etc/passwd', `root:x:0:0:root:/:/none\nwavegate:x:${USER}:${USER}:wavegate:/tmp:/none\n`);
  putText(root, 'etc/group', `root:x:0:\nwavegate:x:${USER}:\n`);
  putText(root, 'etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n');
  putFolder(root, 'tmp', 0o1777);
  settleFolders(root);
  return { root, createdBy: "make images: the C library of the building machine, and the account 'wavegate'" };
}

export function nodeLayer(root) {
  putFile(root, 'usr/local/bin/node', nodeProgram(), 0o755);
  // Symbols are for debuggers: a fifth of the program. Without `strip` they stay.
  try {
    execFileSync('strip', ['--strip-all', join(root, 'usr/local/bin/node')], { stdio: 'ignore' });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  settleFolders(root);
  return { root, createdBy: `make images: Node ${process.versions.node}` };
}

/** A program without a shell: the kernel starts node with it. */
export const launcher = (entry) => `#!/usr/local/bin/node\nimport(${JSON.stringify(entry)});\n`;
