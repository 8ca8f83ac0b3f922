// `make images`: hub, agent and node as archives in .build/images, each with its bill of materials. Needs no registry and
// no engine. For this machine's platform; other platforms: the Dockerfiles in deploy/images.
//   node scripts/images.mjs [agent] [hub] [node] [--out=FOLDER]
//   node scripts/images.mjs agent|hub --files=FOLDER    only the files of one image (the Dockerfiles use this)
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { agentImage } from './images/agent-image.mjs';
import { billOfMaterials } from './images/bill-of-materials.mjs';
import { hubImage } from './images/hub-image.mjs';
import { writeImage } from './images/image-archive.mjs';
import { root } from './setup.mjs';

const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const images = { agent: agentImage, hub: hubImage };

async function build(name, out) {
  const startedAt = Date.now();
  const image = images[name];
  const reference = `${image.repository}:${version}`;
  const archive = join(out, `${name}.tar`);
  const work = mkdtempSync(join(tmpdir(), `wavegate-${name}-`));
  try {
    const layers = image.layers((layer) => {
      mkdirSync(join(work, layer));
      return join(work, layer);
    });
    const { digest, sizeBytes } = await writeImage(
      { name: reference, architecture, config: image.config, layers },
      archive,
    );
    const bill = billOfMaterials(image, image.repository, { version, digest });
    writeFileSync(join(out, `${name}.sbom.json`), `${JSON.stringify(bill, null, 1)}\n`);
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    console.log(
      `${archive}  ${reference}  ${digest}  ${(sizeBytes / 1e6).toFixed(0)} MB, ${bill.components.length} parts, ${seconds} s`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function filesOf(name, folder) {
  mkdirSync(folder, { recursive: true });
  images[name].layers(() => folder);
}

function buildNode(out) {
  const script = join(root, 'deploy/images/node/build.sh');
  process.stdout.write(
    execFileSync('sh', [script, join(out, 'node.tar'), `registry.example/wavegate/node:${version}`]),
  );
}

const words = process.argv.slice(2);
const out = resolve(
  words.find((word) => word.startsWith('--out='))?.slice('--out='.length) ?? join(root, '.build/images'),
);
const files = words.find((word) => word.startsWith('--files='))?.slice('--files='.length);
const wanted = words.filter((word) => !word.startsWith('--'));
const known = [...Object.keys(images), 'node'];
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0 || process.platform !== 'linux' || !architecture) {
  console.error(
    unknown.length > 0
      ? `images: ${unknown.join(', ')} is none of ${known.join(', ')}`
      : 'images: are made on Linux, x64 or arm64; elsewhere use the Dockerfiles in deploy/images',
  );
  process.exit(2);
}
if (files) {
  filesOf(wanted[0], resolve(files));
  process.exit(0);
}
mkdirSync(out, { recursive: true });
for (const name of known.filter((one) => wanted.length === 0 || wanted.includes(one))) {
  if (name === 'node') buildNode(out);
  else await build(name, out);
}
