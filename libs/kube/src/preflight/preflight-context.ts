import { PlanSchema, type Labels, type PlanSpec } from '@wavegate/fleet';
import type { EtcdLook } from '../backup/etcd/look-at-etcd.js';
import type { HostFacts } from '../node/host-facts.js';
import type { Found } from './check.js';
import type { PictureSummary } from './summary.js';

/** What the checks are asked about, beside the cluster itself. */
export interface PreflightContext {
  /** The version that is to be reached, or was. */
  readonly target: string;
  readonly phase: 'before' | 'after';
  /** Policies of the plan that bear on what is found: consent to losses, topology, backups, severities. */
  readonly spec: Pick<PlanSpec, 'topology' | 'drain' | 'backup' | 'preflight'>;
  /** Epoch ms: expiries are counted from here. */
  readonly at: number;
  /** The hub's labels of the cluster; null where they are not known here. */
  readonly labels: Labels | null;
  /** How the cluster was before the upgrade; only phase `after` asks for it. */
  readonly before: PictureSummary | null;
  /** How far the hub's clock is ahead of ours, ms; null without a hub. */
  readonly hubAheadMs: number | null;
  /** Epoch ms of the newest etcd snapshot that was restored for proof; null where none is known. */
  readonly receiptAt: number | null;
  /** Namespace and name of the agent's own pod; null outside a cluster. */
  readonly self: { readonly namespace: string; readonly name: string } | null;
  /** What the metrics sources said about the plan's objectives; absent where nobody asked them. */
  readonly serviceLevels?: readonly Found[];
  /** What node Jobs found on the hosts; absent where none looked. */
  readonly hosts?: readonly Found[];
  /** What the same Jobs say the hosts are; absent where none looked. */
  readonly hostFacts?: readonly HostFacts[];
  /** What an etcd beside the cluster told of itself; absent where nobody knew to ask one. */
  readonly etcd?: EtcdLook | { readonly whyNot: string };
}

/** A plan's policies as they are where nobody wrote any. */
export function defaultSpec(): PreflightContext['spec'] {
  return PlanSchema.parse({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'default' },
    spec: { target: { kubernetes: '1.0.0' } },
  }).spec;
}

/** A look at one cluster by a person, without hub and plan. */
export function bareContext(target: string, at: number): PreflightContext {
  return {
    ...{ target, at, phase: 'before', spec: defaultSpec(), labels: null, before: null },
    ...{ hubAheadMs: null, receiptAt: null, self: selfFromEnvironment(process.env) },
  };
}

/** The manifests give both by the downward API. */
export function selfFromEnvironment(env: NodeJS.ProcessEnv): PreflightContext['self'] {
  const { POD_NAMESPACE: namespace, POD_NAME: name } = env;
  return namespace && name ? { namespace, name } : null;
}
