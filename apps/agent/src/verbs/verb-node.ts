import { isGone, type KubeAccess } from '@wavegate/kube';
import { EXIT, ProgramFailure } from '../program-failure.js';
import { inOneLine } from './verb-kube.js';

/** Marks nodes that `drain` of this program closed, whoever ran it: only those are opened by `uncordon`. */
export const VERB_MARK = 'wavegate-agent';

/** What is asked about the node; one that is not there is said with those that are. */
export async function ofNode<T>(kube: KubeAccess, node: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isGone(error)) throw inOneLine(error);
    const known = (await kube.core.listNode()).items.map(({ metadata }) => metadata?.name ?? '').sort();
    const some =
      known.length > 12 ? `${known.slice(0, 12).join(', ')} and ${known.length - 12} more` : known.join(', ');
    throw new ProgramFailure(`there is no node ${node} in this cluster; there are ${some}`, EXIT.failure);
  }
}
