import { durationMs, nodeStepLimitMs, type PlanSpec } from '@wavegate/fleet';

/** What the cluster's own admin told the agent: a plan may only choose among these. */
export interface NodeSettings {
  /** Address of a mirror, with `{minor}` where the minor stands; null: plans that say `packages: mirror` are refused. */
  readonly packageMirror: string | null;
}
export const NO_MIRROR: NodeSettings = { packageMirror: null };

/** Of one Job's environment beyond the verb and its versions: typed words, checked again by the script. */
export interface NodeWords {
  readonly packages: PlanSpec['upgrade']['packages'];
  readonly mirror: string;
  /** Seconds by phase: "packages=600,images=900". */
  readonly limits: string;
  readonly ignore: string;
  /** Of the whole Job, in seconds. */
  readonly deadlineS: number;
}

/** What the plan says of nodes, in the words of the step; the mirror's address is the cluster's own. */
export function nodeWords(spec: Pick<PlanSpec, 'upgrade'>, settings: NodeSettings): NodeWords {
  const { packages, limits, ignorePreflightErrors } = spec.upgrade;
  const seconds = Object.entries(limits).map(([phase, text]) => `${phase}=${secondsOf(text)}`);
  return {
    packages,
    mirror: packages === 'mirror' ? (settings.packageMirror ?? '') : '',
    limits: seconds.sort().join(','),
    ignore: ignorePreflightErrors.join(','),
    deadlineS: Math.ceil(nodeStepLimitMs(spec) / 1000),
  };
}

/** At least a second: a limit of nothing would end what it is to bound before it began. */
const secondsOf = (duration: string): number => Math.max(1, Math.ceil(durationMs(duration) / 1000));
