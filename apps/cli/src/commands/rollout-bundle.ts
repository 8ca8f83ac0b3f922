import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { pack } from 'tar-stream';
import type { Client } from '../gen/client/index.js';
import * as api from '../gen/sdk.gen.js';
import type { ClusterVerdict, Rollout } from '../gen/types.gen.js';
import { allPages, allRolloutClusters, ask } from '../hub-client.js';
import type { Session } from '../session.js';
import { VERSION } from '../version.js';
import { writeAskedFile } from '../written-file.js';

const PAGE = 500;

interface BundledFile {
  /** From the bundle's folder. */
  readonly path: string;
  readonly content: Buffer;
}

type Put = (path: string, content: unknown) => void;

/** Everything about a rollout that a review of an incident asks for, as one file: what this person may read, and no more. */
export function addRolloutBundle(rollout: Command, session: Session): void {
  rollout
    .command('bundle <id>')
    .description('One file with plan, events, verdicts, evidence, pictures and outcomes, for the review of an incident')
    .requiredOption('-o, --output <file>', 'where to write it: rollout-7f3c.tar.gz')
    .action(async (id: string, { output }: { readonly output: string }) => {
      const client = session.client();
      const found = await ask(api.getRollout({ client, path: { rollout: id } }));
      const root = `wavegate-rollout-${safe(found.id)}`;
      const at = session.world.now();
      const files: BundledFile[] = [];
      const put: Put = (path, content) => files.push(fileOf(path, content));
      put('versions.json', { writtenBy: `wavegate ${VERSION}`, writtenAt: new Date(at).toISOString(), schema: 1 });
      await putRollout(client, found, put);
      await putVerdicts(client, found.id, put);
      put('SHA256SUMS', sumsOf(files));
      writeAskedFile(output, gzipSync(await tarOf(root, files, at)));
      session.tell(`${output} is written: ${files.length} files; tar -xzf ${output} unpacks them into ${root}/`);
    });
}

async function putRollout(client: Client, rollout: Rollout, put: Put): Promise<void> {
  put('rollout.json', rollout);
  put('plan.json', await ask(api.getPlan({ client, path: { plan: rollout.planDigest } })));
  put('clusters.json', await allRolloutClusters(client, rollout.id));
  const events = await allPages((cursor) => {
    const query = { object: `rollout/${rollout.id}`, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    return ask(api.listEvents({ client, query }));
  });
  put('events.jsonl', events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const orders = await allPages((cursor) => {
    const query = { rollout: rollout.id, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    return ask(api.listOrders({ client, query }));
  });
  put('orders.json', orders);
}

async function putVerdicts(client: Client, rollout: string, put: Put): Promise<void> {
  const list = await ask(api.listVerdicts({ client, path: { rollout } }));
  put('verdicts.json', list);
  // Samples are kept of the newest judgement of each phase.
  const newest = new Map(list.items.map((item) => [`${item.clusterId}/${item.phase}`, item]));
  for (const item of newest.values()) if (item.evidence !== null) await putEvidence(client, { rollout, item }, put);
}

async function putEvidence(
  client: Client,
  { rollout, item }: { readonly rollout: string; readonly item: ClusterVerdict },
  put: Put,
): Promise<void> {
  const { cluster, phase, slis } = item;
  const query = { phase };
  const folder = `verdicts/${safe(cluster)}`;
  put(`${folder}/${phase}.json`, await ask(api.getVerdictEvidence({ client, path: { rollout, cluster }, query })));
  for (const { name } of slis) {
    const path = { rollout, cluster, picture: `${name}.svg` };
    put(
      `${folder}/${phase}.${safe(name)}.svg`,
      String(await ask(api.getVerdictPicture({ client, path, query, parseAs: 'text' }))),
    );
  }
}

function fileOf(path: string, content: unknown): BundledFile {
  const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`;
  return { path, content: Buffer.from(text) };
}

/** As sha256sum writes and checks them, from within the folder. */
function sumsOf(files: readonly BundledFile[]): string {
  return files.map(({ path, content }) => `${createHash('sha256').update(content).digest('hex')}  ${path}\n`).join('');
}

function tarOf(root: string, files: readonly BundledFile[], at: number): Promise<Buffer> {
  const tar = pack();
  for (const { path, content } of files)
    tar.entry({ name: `${root}/${path}`, mode: 0o644, mtime: new Date(at) }, content);
  tar.finalize();
  return buffer(tar as AsyncIterable<Uint8Array>);
}

const safe = (text: string): string => text.replaceAll(/[^A-Za-z0-9_.-]+/g, '-');
