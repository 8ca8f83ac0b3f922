// What is in an image, as CycloneDX 1.6: packages from the lock, Node, the C library's packages, and what else was put in.
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { nodeProgram } from './base-layers.mjs';
import { packagesOf } from './package-closure.mjs';
import { librariesOf } from './root-folder.mjs';

/** Which package of the building machine a library came from; empty where there is no dpkg to ask. */
function systemPackages(libraries) {
  const found = new Map();
  for (const path of libraries) {
    try {
      const owner = execFileSync('dpkg-query', ['-S', realpathSync(path)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const name = owner.split(':')[0];
      const version = execFileSync('dpkg-query', ['-W', '-f=${Version}', owner.split(': ')[0]], { encoding: 'utf8' });
      found.set(name, { name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}` });
    } catch {
      // Not Debian, or a file of no package: named by no package then.
    }
  }
  return [...found.values()];
}

const component = ({ name, version, purl, license }) => ({
  type: 'library',
  'bom-ref': purl,
  name,
  version,
  purl,
  ...(license ? { licenses: [{ expression: license }] } : {}),
});

export function billOfMaterials(image, name, { version, digest }) {
  const packages = image.workspaces.flatMap((workspace) => [...packagesOf(workspace).values()]);
  const registry = packages
    .filter(({ workspace }) => !workspace)
    .map((one) => ({ ...one, purl: `pkg:npm/${one.name.replace('@', '%40')}@${one.version}` }));
  const node = { name: 'node', version: process.versions.node, purl: `pkg:generic/node@${process.versions.node}` };
  const parts = [...registry, node, ...systemPackages(librariesOf([nodeProgram()])), ...image.extras()];
  const unique = new Map(parts.map((part) => [part.purl, component(part)]));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'container',
        'bom-ref': name,
        name,
        version,
        hashes: [{ alg: 'SHA-256', content: digest.replace('sha256:', '') }],
      },
    },
    components: [...unique.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
  };
}
