import { join } from 'node:path';
import { artefact } from './artefact.js';
import { labSources } from './lab-places.js';
import { command } from './run-command.js';

/** Small programs of the lab's own: the pause of the pods, a web application to hurt, the balancer of the HA shape. */
export const LAB_PROGRAMS = ['pause', 'app', 'balancer'] as const;
export type LabProgram = (typeof LAB_PROGRAMS)[number];

/** One static program per folder of `test/lab/programs`, from Go's standard library alone. */
export async function labPrograms(): Promise<Readonly<Record<LabProgram, string>>> {
  const source = (program: string): string => join(labSources(), 'programs', program, 'main.go');
  const folder = await artefact(
    'programs',
    LAB_PROGRAMS.map((name) => ({ file: source(name) })),
    async (out) => {
      const env = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off', GO111MODULE: 'off' };
      for (const name of LAB_PROGRAMS) {
        await command('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(out, name), source(name)], { env });
      }
    },
  );
  return Object.fromEntries(LAB_PROGRAMS.map((name) => [name, join(folder, name)])) as Record<LabProgram, string>;
}
