import type { ClusterFacts } from './cluster.js';
import type { FindingCode } from './finding-codes.js';
import type { Finding } from './finding.js';
import type { Standing } from './outcome.js';
import type { Recovery } from './recovery.js';
import { compareVersions, parseVersion } from './version.js';

/** What the agent's look after a recovery gave, a sentence for each thing that was looked at. */
export interface RecoveryVerdict {
  readonly good: boolean;
  readonly checks: readonly { readonly good: boolean; readonly text: string }[];
}

export interface RecoveryLook {
  /** Of the order that looked. */
  readonly standing: Standing;
  readonly findings: readonly Finding[];
  readonly facts: ClusterFacts;
}

/** What would say that etcd is not what it should be. */
const ETCD: readonly FindingCode[] = ['etcd_quorum_at_risk', 'etcd_alarm_raised'];

type Check = RecoveryVerdict['checks'][number];

/** Versions, nodes and etcd, as the agent saw them after persons had done their part. */
export function verifyRecovery(recovery: Recovery, look: RecoveryLook): RecoveryVerdict {
  const checks = [versions(recovery, look), nodes(look), etcd(look), ...own(recovery, look)];
  return { good: checks.every(({ good }) => good), checks };
}

function versions({ version }: Recovery, { standing }: RecoveryLook): Check {
  const servers = Object.entries(standing).filter(([component]) => component.startsWith('apiserver/'));
  const wrong = servers.filter(([, found]) => !isSame(found, version));
  if (servers.length === 0) return { good: false, text: 'no API server was seen' };
  if (wrong.length === 0) return { good: true, text: `every API server runs ${version} (${servers.length})` };
  return { good: false, text: `not at ${version}: ${wrong.map(([name, found]) => `${name} ${found}`).join(', ')}` };
}

function nodes({ facts }: RecoveryLook): Check {
  const away = facts.nodes.filter(({ ready }) => !ready).map(({ name }) => name);
  const text = away.length === 0 ? `all ${facts.nodes.length} nodes are Ready` : `not Ready: ${away.sort().join(', ')}`;
  return { good: away.length === 0, text };
}

function etcd({ findings }: RecoveryLook): Check {
  const wrong = findings.filter(({ code }) => (ETCD as readonly string[]).includes(code));
  const text =
    wrong.length === 0 ? 'etcd raised no alarm and has its quorum' : wrong.map(({ message }) => message).join('; ');
  return { good: wrong.length === 0, text };
}

/** Of the rung's own: the node is a new one; no kubelet is newer than the API servers. */
function own({ rung, node, nodeUid, version }: Recovery, { facts }: RecoveryLook): Check[] {
  if (rung === 5) {
    const found = facts.nodes.find(({ name }) => name === node);
    if (!found) return [{ good: false, text: `${node} has not joined` }];
    const isNew = nodeUid === '' || found.uid !== nodeUid;
    return [
      { good: isNew, text: isNew ? `${node} is another node than before` : `${node} is still the node of before` },
    ];
  }
  const newer = facts.nodes
    .filter(({ kubelet }) => isNewer(kubelet, version))
    .map(({ name, kubelet }) => `${name} ${kubelet}`);
  const text =
    newer.length === 0
      ? `no kubelet is newer than ${version}`
      : `kubelets newer than the API server: ${newer.sort().join(', ')}`;
  return [{ good: newer.length === 0, text }];
}

const isSame = (a: string, b: string): boolean =>
  a === b || (parseVersion(a)?.text ?? a) === (parseVersion(b)?.text ?? b);

function isNewer(a: string, b: string): boolean {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  return left !== null && right !== null && compareVersions(left, right) > 0;
}
