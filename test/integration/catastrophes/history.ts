import { AuditVerifier, type AuditRow } from '@wavegate/runtime/hub';
import type { ClusterState } from '@wavegate/simulator';
import type { Storage } from '@wavegate/storage';

/** What the store remembers about a rollout when all is over; the promises of the architecture are read from it. */
export interface History {
  readonly audit: readonly AuditRow[];
  readonly orders: readonly OrderLine[];
  readonly clusters: readonly { readonly cluster: string; readonly wave: number }[];
}

export interface OrderLine {
  readonly id: string;
  readonly cluster: string;
  readonly kind: string;
  readonly attempt: number;
  readonly hop: number;
  readonly epoch: number;
  readonly state: string;
  readonly createdAt: number;
}

const ORDERS = `
  SELECT id, cluster_id AS cluster, kind, attempt, (body->'hop'->>'index')::int AS hop, epoch, state,
         created_at AS "createdAt"
  FROM orders WHERE rollout_id = $1 ORDER BY created_at, id`;

export async function readHistory({ audit, dataSource }: Storage, rollout: string): Promise<History> {
  const clusters = 'SELECT cluster_id AS cluster, wave FROM rollout_clusters WHERE rollout_id = $1 ORDER BY position';
  return {
    audit: await audit.read({ since: 0, limit: 10_000 }),
    orders: (await dataSource.query(ORDERS, [rollout])) as OrderLine[],
    clusters: (await dataSource.query(clusters, [rollout])) as History['clusters'],
  };
}

/** Gap-free, every hash right, the head where the chain ends. */
export async function auditProof({ audit }: Storage): Promise<string> {
  const verifier = new AuditVerifier();
  for (const row of await audit.read({ since: 0, limit: 10_000 })) verifier.take(row);
  const proof = verifier.proof(await audit.head());
  return proof.kind === 'intact' ? 'intact' : `broken at ${proof.seq}: ${proof.why}`;
}

/** (cluster, kind, hop, attempt) that more than one order row names. */
export function ordersTwice({ orders }: History): readonly string[] {
  return twice(orders.map(({ cluster, kind, hop, attempt }) => `${cluster} ${kind} hop ${hop} attempt ${attempt}`));
}

const ONCE = [
  'rollout.orderStarted',
  'rollout.clusterEnded',
  'rollout.waveJudged',
  'order.inserted',
  'order.withdrawAsked',
];

/** Things that the engine decided more than once, although they happen once to an order, or to a wave that goes well. */
export function decidedTwice({ audit }: History): readonly string[] {
  const decided = audit.filter(({ action }) => ONCE.includes(action));
  return twice(decided.map(({ action, detail }) => `${action} ${String(detail['orderId'] ?? detail['wave'])}`));
}

/** Orders of a cluster whose epoch does not rise with their order of creation. */
export function epochsThatFell({ orders }: History): readonly string[] {
  const newest = new Map<string, number>();
  return orders.flatMap(({ id, cluster, epoch }) => {
    const fell = epoch <= (newest.get(cluster) ?? 0);
    newest.set(cluster, epoch);
    return fell ? [`order ${id} of ${cluster} has epoch ${epoch}`] : [];
  });
}

/** Effects that a cluster met twice: the same step of the same order on the same node with the same deed. */
export function effectsTwice(cluster: ClusterState): readonly string[] {
  return twice(
    cluster.effects.map(({ orderId, step, node, effect, detail }) =>
      [orderId, step, node, effect, detail].filter(Boolean).join(' '),
    ),
  );
}

/** Effects of an order whose epoch is lower than one that the cluster has obeyed before. */
export function effectsOfOldEpochs(cluster: ClusterState): readonly string[] {
  let newest = 0;
  return cluster.effects.flatMap(({ effect, step, epoch }) => {
    // The end of a node's program is nobody's command.
    if (effect === 'jobEnded') return [];
    const old = epoch < newest;
    newest = Math.max(newest, epoch);
    return old ? [`${step} with epoch ${epoch} after ${newest}`] : [];
  });
}

interface PhaseChange {
  readonly cluster: string;
  readonly phase: string;
  readonly decidedAt: number;
}

function phaseChanges({ audit }: History): readonly PhaseChange[] {
  return audit.flatMap(({ detail }) => {
    const { changes, decidedAt } = detail as { changes?: Omit<PhaseChange, 'decidedAt'>[]; decidedAt?: number };
    return (changes ?? []).map(({ cluster, phase }) => ({ cluster, phase, decidedAt: decidedAt ?? 0 }));
  });
}

/** Largest number of clusters in flight at any line of the audit. */
export function mostInFlight(history: History): number {
  const busy = new Set<string>();
  let most = 0;
  for (const { cluster, phase } of phaseChanges(history)) {
    if (phase === 'waiting' || phase === 'done') busy.delete(cluster);
    else busy.add(cluster);
    most = Math.max(most, busy.size);
  }
  return most;
}

/** Clusters that were given an order before every cluster of every earlier wave was done and had soaked. */
export function startsBeforeTheirWave(history: History, soakMs: number): readonly string[] {
  const waveOf = new Map(history.clusters.map(({ cluster, wave }) => [cluster, wave]));
  const doneAt = new Map<string, number>();
  return phaseChanges(history).flatMap(({ cluster, phase, decidedAt }) => {
    if (phase === 'done') doneAt.set(cluster, decidedAt);
    if (phase !== 'ordered') return [];
    const wave = waveOf.get(cluster) ?? 0;
    const earlier = history.clusters.filter((other) => other.wave < wave);
    const early = earlier.filter((other) => (doneAt.get(other.cluster) ?? Infinity) + soakMs > decidedAt);
    return early.map((other) => `${cluster} of wave ${wave} before ${other.cluster} of wave ${other.wave}`);
  });
}

function twice(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
