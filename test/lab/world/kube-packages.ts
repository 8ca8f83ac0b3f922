import { createHash } from 'node:crypto';
import { copyFileSync, chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artefact } from './artefact.js';
import { labSources } from './lab-places.js';
import { minorOf } from './kubernetes-release.js';
import type { ObtainedPrograms } from './kubernetes-release.js';
import { command } from './run-command.js';

/** The revision the packages of upstream carry too: `apt-get install kubelet=1.35.4-1.1`. */
export const PACKAGE_REVISION = '1.1';
const ARCH = process.arch === 'arm64' ? 'arm64' : 'amd64';

interface DebFile {
  readonly from: string;
  readonly to: string;
  readonly mode?: number;
}

interface Deb {
  readonly name: 'kubeadm' | 'kubelet' | 'kubectl';
  readonly depends?: string;
  /** Below `test/lab/packages`. */
  readonly files: readonly DebFile[];
}

const DEBS: readonly Deb[] = [
  { name: 'kubectl', files: [] },
  {
    name: 'kubelet',
    depends: 'conntrack, ebtables, ethtool, iproute2, iptables, mount, socat, util-linux',
    files: [
      { from: 'kubelet.service', to: 'usr/lib/systemd/system/kubelet.service' },
      { from: 'kubelet.default', to: 'etc/default/kubelet' },
      { from: 'kubelet.conffiles', to: 'DEBIAN/conffiles' },
      { from: 'kubelet.postinst', to: 'DEBIAN/postinst', mode: 0o755 },
    ],
  },
  {
    name: 'kubeadm',
    depends: 'kubelet (>= 1.30.0), kubectl (>= 1.30.0)',
    files: [
      { from: '10-kubeadm.conf', to: 'usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf' },
      { from: 'kubeadm.postinst', to: 'DEBIAN/postinst', mode: 0o755 },
    ],
  },
];

const packageSource = (file: string): string => join(labSources(), 'packages', file);

const debFile = ({ name }: Deb, version: string): string => `${name}_${version}-${PACKAGE_REVISION}_${ARCH}.deb`;

function control({ name, depends }: Deb, version: string): string {
  const lines = [
    ...[`Package: ${name}`, `Version: ${version}-${PACKAGE_REVISION}`, `Architecture: ${ARCH}`],
    ...['Maintainer: Wavegate lab <lab@example.invalid>', 'Section: admin', 'Priority: optional'],
    ...(depends ? [`Depends: ${depends}`] : []),
    `Description: ${name} ${version}, packaged by the Wavegate lab`,
  ];
  return `${lines.join('\n')}\n`;
}

function place(root: string, { from, to, mode = 0o644 }: DebFile): void {
  const target = join(root, to);
  mkdirSync(join(target, '..'), { recursive: true });
  copyFileSync(from, target);
  chmodSync(target, mode);
}

async function packDeb(deb: Deb, version: string, program: string, folder: string): Promise<void> {
  const root = join(folder, `.${deb.name}`);
  place(root, { from: program, to: `usr/bin/${deb.name}`, mode: 0o755 });
  for (const file of deb.files) place(root, { ...file, from: packageSource(file.from) });
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  writeFileSync(join(root, 'DEBIAN/control'), control(deb, version));
  const out = join(folder, debFile(deb, version));
  // Weakly packed: it is read once per node from the local disk.
  await command('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '-b', root, out]);
  rmSync(root, { recursive: true });
}

/**
 * The packages of one minor in a flat repository, as the one per minor that upstream serves with all its patches: a node
 * reads it by a line `deb [trusted=yes] file:/lab/apt/v1.35/deb/ /`. Not signed: what a signature protects against does
 * not happen here.
 */
export async function packageRepository(patches: readonly string[], programs: ObtainedPrograms): Promise<string> {
  const sources = DEBS.flatMap((deb) => deb.files.map((file) => ({ file: packageSource(file.from) })));
  const binaries = patches.flatMap((version) => DEBS.map((deb) => ({ file: programs(deb.name, version) })));
  const named = patches.join('+');
  const recipe = { text: JSON.stringify([named, DEBS]) };
  return artefact(`packages-${named}`, [recipe, ...sources, ...binaries], async (folder) => {
    for (const version of patches) {
      for (const deb of DEBS) await packDeb(deb, version, programs(deb.name, version), folder);
    }
    writeIndex(folder, patches);
  });
}

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

function stanza(folder: string, deb: Deb, version: string): string {
  const file = debFile(deb, version);
  const { size } = statSync(join(folder, file));
  const [head, description] = control(deb, version).split('Description:');
  const found = `Filename: ./${file}\nSize: ${size}\nSHA256: ${sha256(join(folder, file))}\n`;
  return `${head}${found}Description:${description}`;
}

/** The two files that apt reads, as dpkg-scanpackages and apt-ftparchive write them. */
function writeIndex(folder: string, patches: readonly string[]): void {
  const stanzas = patches.flatMap((version) => DEBS.map((deb) => stanza(folder, deb, version)));
  writeFileSync(join(folder, 'Packages'), stanzas.join('\n'));
  const suite = `v${minorOf(patches[0] ?? '')}`;
  const index = ` ${sha256(join(folder, 'Packages'))} ${statSync(join(folder, 'Packages')).size} Packages`;
  const head = ['Origin: wavegate-lab', 'Label: wavegate-lab', `Suite: ${suite}`, `Codename: ${suite}`];
  const date = `Date: ${new Date(0).toUTCString()}`;
  writeFileSync(join(folder, 'Release'), [...head, date, 'SHA256:', index, ''].join('\n'));
}
