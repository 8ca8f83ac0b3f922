import type { Verdict } from '@wavegate/fleet';
import { eventually } from './eventually.js';
import type { Member } from './fleet-world.js';

export interface Judged {
  readonly phase: string;
  readonly verdict: Verdict | null;
}

interface KeptJournal {
  readonly order: { readonly parent: { readonly id: string } };
  readonly judgements: readonly Judged[];
}

/** What the agent of a cluster judged in a rollout, from the journal that it keeps there. */
export async function judgements({ cluster }: Member, rollout: string): Promise<readonly Judged[]> {
  type Map = { readonly data?: Readonly<Record<string, string>> };
  const maps = (await cluster.api.list('/api/v1/namespaces/wavegate/configmaps')) as readonly Map[];
  const journals = maps.flatMap(({ data }) => (data?.journal ? [JSON.parse(data.journal) as KeptJournal] : []));
  return journals.filter(({ order }) => order.parent.id === rollout).flatMap((journal) => journal.judgements);
}

/** Until a step has been done on a node of that kind; its name. */
export async function untilPlayed({ player }: Member, step: string, node: RegExp): Promise<string> {
  return eventually(
    `${step} on a node like ${node}`,
    () => player.played.find((one) => one.step === step && node.test(one.node) && one.message.ok)?.node ?? false,
    { withinMs: 240_000, everyMs: 50 },
  );
}
