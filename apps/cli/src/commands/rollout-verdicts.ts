import { join } from 'node:path';
import type { Command } from 'commander';
import { CliFailure } from '../cli-failure.js';
import * as api from '../gen/sdk.gen.js';
import type { ClusterVerdict, VerdictList } from '../gen/types.gen.js';
import { ask } from '../hub-client.js';
import { renderVerdicts } from '../screens/verdicts-screen.js';
import { answering, type OutputFormat, type Session } from '../session.js';
import { fileNames, makeAskedFolder, writeAskedFile } from '../written-file.js';

interface VerdictsOptions {
  readonly output: OutputFormat;
  readonly cluster?: string;
  readonly evidence?: string;
  readonly plot?: string;
}

/** What agents judged and what it rests on; the samples go into files, to be judged again and looked at. */
export function addRolloutVerdicts(rollout: Command, session: Session): void {
  answering(rollout, 'verdicts <id>', 'What was judged, cluster by cluster and phase by phase, with the numbers')
    .option('--cluster <name>', 'of one cluster')
    .option('--evidence <folder>', 'write what each verdict rests on, for `wavegate verdict recompute`')
    .option('--plot <folder>', 'write a picture (SVG) of each objective')
    .action(async (id: string, options: VerdictsOptions) => {
      const client = session.client();
      const { cluster } = options;
      const query = cluster === undefined ? {} : { cluster };
      const list = await ask(api.listVerdicts({ client, path: { rollout: id }, query }));
      if (options.output === 'json') session.printJson(list);
      else session.print(renderVerdicts(list, session.screen()));
      const newest = newestOf(list);
      if (options.evidence !== undefined) await keepEvidence(session, list, { folder: options.evidence, newest });
      if (options.plot !== undefined) await keepPictures(session, list, { folder: options.plot, newest });
    });
}

interface Keeping {
  readonly folder: string;
  readonly newest: readonly ClusterVerdict[];
}

/** Samples are kept of the newest judgement of each phase. */
function newestOf({ items }: VerdictList): readonly ClusterVerdict[] {
  const byPhase = new Map(items.map((item) => [`${item.clusterId}/${item.phase}`, item]));
  return [...byPhase.values()].filter(({ evidence }) => evidence !== null);
}

async function keepEvidence(session: Session, { rollout }: VerdictList, { folder, newest }: Keeping): Promise<void> {
  const client = session.client();
  makeFolder(folder, newest.length);
  for (const { cluster, phase } of newest) {
    const found = await ask(api.getVerdictEvidence({ client, path: { rollout, cluster }, query: { phase } }));
    const file = join(folder, `${fileName(cluster, phase)}.json`);
    writeAskedFile(file, `${JSON.stringify(found, null, 2)}\n`);
    session.tell(`${file} is written; wavegate verdict recompute ${file} judges it again`);
  }
}

async function keepPictures(session: Session, { rollout }: VerdictList, { folder, newest }: Keeping): Promise<void> {
  const client = session.client();
  makeFolder(folder, newest.length);
  const all = newest.flatMap(({ cluster, phase, slis }) => slis.map(({ name }) => fileName(cluster, phase, name)));
  const files = fileNames(all);
  for (const { cluster, phase, slis } of newest) {
    for (const { name } of slis) {
      const path = { rollout, cluster, picture: `${name}.svg` };
      const svg = await ask(api.getVerdictPicture({ client, path, query: { phase }, parseAs: 'text' }));
      const file = join(folder, `${files.shift()}.svg`);
      writeAskedFile(file, String(svg));
      session.tell(`${file} is written`);
    }
  }
}

function makeFolder(folder: string, count: number): void {
  if (count === 0) throw new CliFailure('No verdict of this rollout has its samples yet; nothing is written.');
  makeAskedFolder(folder);
}

const fileName = (...parts: readonly string[]): string => parts.join('.').replaceAll(/[^A-Za-z0-9_.-]+/g, '-');
