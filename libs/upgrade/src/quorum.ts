import { reason, type Reason } from '@wavegate/fleet';
import type { Observed } from './observed.js';

/** With one member out, a majority of all members must be healthy still. */
const holds = (healthy: number, members: number): boolean => healthy - 1 >= Math.floor(members / 2) + 1;

/**
 * Why no control-plane node may be changed now, or null. A single member has no quorum to keep: its outage is the
 * declared disruption of that topology. An external etcd is not touched by the nodes' upgrade.
 */
export function quorumRisk({ etcd }: Observed): Reason | null {
  if (!etcd || etcd.members <= 1 || holds(etcd.healthy, etcd.members)) return null;
  return reason('quorum_at_risk', { healthy: etcd.healthy, members: etcd.members });
}

/** True where even a fully healthy etcd could not spare a member: two members are worse than one. */
export function quorumNeverHolds({ etcd }: Observed): boolean {
  return etcd !== null && etcd.members > 1 && !holds(etcd.members, etcd.members);
}
