import { rmSync } from 'node:fs';
import { pruneArtefacts } from './artefact.js';
import { LAB_LABEL } from './lab-node.js';
import type { ContainerEngine } from './container-engine.js';
import { findEngine, stopOwnEngine } from './container-engine.js';
import { ownedLabs } from './lab-owner.js';
import { labCache } from './lab-places.js';
import { say } from './lab-log.js';

const lines = (text: string): readonly string[] => text.split('\n').filter(Boolean);

/** The labs the engine still holds something of, by name; also such whose maker was killed. */
export async function standingLabs(engine: ContainerEngine): Promise<readonly string[]> {
  const format = `{{.Label "${LAB_LABEL}"}}`;
  const filter = ['--filter', `label=${LAB_LABEL}`, '--format', format];
  const containers = lines(await engine.docker(['ps', '--all', ...filter]));
  const networks = lines(await engine.docker(['network', 'ls', ...filter]));
  return [...new Set([...containers, ...networks])].sort();
}

/** Removes what a lab has in the engine and its files. Things that are gone already are no failure. */
export async function removeLab(engine: ContainerEngine, lab: string): Promise<void> {
  const filter = ['--quiet', '--filter', `label=${LAB_LABEL}=${lab}`];
  const containers = lines(await engine.docker(['ps', '--all', ...filter]));
  // With its volumes: the disks of the nodes.
  if (containers.length > 0) await engine.docker(['rm', '--force', '--volumes', ...containers]);
  const networks = lines(await engine.docker(['network', 'ls', ...filter]));
  if (networks.length > 0) await engine.docker(['network', 'rm', ...networks]);
  rmSync(labCache('run', lab), { recursive: true, force: true });
  say(`lab ${lab} is down: ${containers.length} containers with their disks and ${networks.length} network removed`);
}

/** `make lab-down`: one lab, or all that nobody works with, and with the last of them the engine that was started for them. */
export async function tearDown(only?: string): Promise<void> {
  const engine = await findEngine();
  if (!engine) return say('no container engine answers, so no lab stands');
  const standing = await standingLabs(engine);
  if (only) {
    if (!standing.includes(only)) say(`there is no lab ${only}; standing: ${standing.join(', ') || 'none'}`);
    else await removeLab(engine, only);
  } else {
    const owned = ownedLabs();
    for (const [lab, pid] of owned)
      say(`lab ${lab} is left alone: process ${pid} works with it (NAME=${lab} takes it down all the same)`);
    for (const lab of standing.filter((each) => !owned.has(each))) await removeLab(engine, lab);
  }
  const left = await endWithTheLast(engine);
  if (left.length > 0) say(`still standing: ${left.join(', ')}`);
}

/** With the last lab the engine that was started for them ends. Answers which still stand, or are being raised by others. */
export async function endWithTheLast(engine: ContainerEngine): Promise<readonly string[]> {
  const left = new Set([...(await standingLabs(engine)), ...ownedLabs().keys()]);
  if (left.size === 0) await clearUp(engine);
  return [...left].sort();
}

/** Nothing stands any more. */
async function clearUp(engine: ContainerEngine): Promise<void> {
  rmSync(labCache('run'), { recursive: true, force: true });
  pruneArtefacts();
  if (!engine.isOwn) return;
  const images = lines(await engine.docker(['images', '--quiet', 'wavegate-lab/node']));
  // The newest is listed first.
  if (images.length > 1) await engine.tryDocker(['rmi', '--force', ...images.slice(1)]);
  await stopOwnEngine();
}
