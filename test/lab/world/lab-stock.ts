import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { haveEngine, needPrograms } from './container-engine.js';
import type { ContainerEngine } from './container-engine.js';
import { commonImages, kubernetesImages } from './kube-images.js';
import { packageRepository } from './kube-packages.js';
import { minorOf, obtainPrograms } from './kubernetes-release.js';
import { labCache } from './lab-places.js';
import { labPrograms } from './lab-programs.js';
import { nodeImage, nodeRootfs } from './node-image.js';
import { nodeRights } from './lab-node.js';

/** Everything a lab is made of, for some versions of Kubernetes. */
export interface LabStock {
  readonly engine: ContainerEngine;
  readonly image: string;
  readonly rights: readonly string[];
  /** Folders on this machine → where each node sees them. */
  readonly mounts: Readonly<Record<string, string>>;
  /** Folders inside a node with the images that it needs for these versions. */
  readonly imageFolders: (role: 'controlPlane' | 'worker') => readonly string[];
  readonly balancerArchive: string;
  readonly kubectl: string;
}

/** Makes what is missing (minutes the first time, seconds after) and has an engine. `versions[0]` is the first installed. */
export async function stockUp(versions: readonly [string, ...string[]]): Promise<LabStock> {
  const programs = await obtainPrograms(versions);
  await needPrograms({ 'dpkg-deb': 'dpkg', chroot: 'coreutils' });
  const rootfs = await nodeRootfs();
  const common = await commonImages(await labPrograms());
  const mounts: Record<string, string> = { [common]: '/lab/images/common' };
  for (const [minor, patches] of patchesByMinor(versions)) {
    mounts[await packageRepository(patches, programs)] = `/lab/apt/v${minor}/deb`;
  }
  for (const version of versions) {
    mounts[await kubernetesImages(version, programs, rootfs)] = `/lab/images/v${version}`;
  }
  const engine = await haveEngine();
  const image = await nodeImage(engine, rootfs);
  const sets = ['common', ...versions.map((version) => `v${version}`)];
  return {
    engine,
    image,
    rights: await nodeRights(engine, image),
    mounts,
    imageFolders: (role) =>
      sets.flatMap((set) => [
        `/lab/images/${set}/all`,
        ...(role === 'controlPlane' ? [`/lab/images/${set}/controlPlane`] : []),
      ]),
    balancerArchive: join(common, 'engine', 'balancer_1.tar'),
    kubectl: linkKubectl(programs('kubectl', versions[0])),
  };
}

function patchesByMinor(versions: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const version of versions) found.set(minorOf(version), [...(found.get(minorOf(version)) ?? []), version]);
  return found;
}

/** A kubectl at a place that does not change, for the person at the terminal. */
function linkKubectl(program: string): string {
  const place = labCache('bin', 'kubectl');
  mkdirSync(labCache('bin'), { recursive: true });
  if (existsSync(place) || lstatSync(place, { throwIfNoEntry: false })) rmSync(place);
  symlinkSync(program, place);
  return place;
}
