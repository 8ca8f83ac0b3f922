import { join } from 'node:path';
import { whyNoLab } from './container-engine.js';
import { releaseOf } from './kubernetes-release.js';
import { repositoryRoot } from './lab-places.js';
import { whyNoRoom } from './lab-room.js';
import type { ShapeName } from './lab-shape.js';
import { tryCommand } from './run-command.js';

/**
 * Why a lab of this shape and these versions cannot be raised here within minutes; undefined when it can. Unlike a start,
 * it builds and installs nothing: programs that are not there yet take most of an hour of compiling, which only a person
 * asks for.
 */
export async function whyNotNow(shape: ShapeName, versions: readonly string[]): Promise<string | undefined> {
  return (await whyNoLab()) ?? whyNoRoom(shape) ?? (await whyNoPrograms(versions));
}

async function whyNoPrograms(versions: readonly string[]): Promise<string | undefined> {
  const sets = [...new Set(versions.flatMap((version) => releaseOf(version).sets))];
  const script = join(repositoryRoot(), 'test', 'kube', 'world', 'obtain.mjs');
  const { code, stderr } = await tryCommand(process.execPath, [script, '--check', `--only=${sets.join(',')}`]);
  if (code === 0) return undefined;
  const missing = /missing: (.*)/.exec(stderr)?.[1] ?? stderr.trim();
  return `not built yet: ${missing} (\`make lab CASE=short-upgrade\` builds what is missing once, and runs it)`;
}
