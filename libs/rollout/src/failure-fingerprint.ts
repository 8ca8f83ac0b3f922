import {
  describeReason,
  parseVersion,
  reason,
  type Hop,
  type Labels,
  type Outcome,
  type Reason,
  type ReasonCode,
} from '@wavegate/fleet';

/**
 * What two failures have in common when they are the same failure: the step that failed, the reason, the error without
 * what differs from cluster to cluster, the versions, and what the clusters are made of (labels of provider and CNI).
 */
export interface FailureFingerprint {
  /** Equal for failures that are alike. */
  readonly key: string;
  /** The failure in words, without the names of one cluster. */
  readonly failure: string;
  /** What a cluster must be like to be next: "went from 1.34 to 1.35.4, provider aws, cni cilium". */
  readonly trait: string;
}

/** The cluster that failed, as far as its failure can be told from another's. */
export interface FailedCluster {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly labels: Labels;
  readonly hop: Hop | null;
}

/** Ends that somebody decided, or silence: they say nothing about what the upgrade does to a cluster. */
const NOT_A_CAUSE: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'aborted_mid_order',
  'agent_lost',
  'agent_returned',
  'hub_away',
  'offline_failed',
  'order_stopped',
  'order_withdrawn',
  'rollback_asked',
  'rolled_back',
  'rollout_aborted',
  'skipped_by_person',
  'withdrawn_by_person',
]);

/** Parameters that name one cluster's things, and never the fault; nor do numbers. */
const NAMES: ReadonlySet<string> = new Set([
  'node',
  'pod',
  'pdb',
  'owner',
  'by',
  'since',
  'until',
  'expected',
  'found',
]);

/** Words that the plan or the program chose: they are the failure's name, digits and all. */
const VERBATIM: ReadonlySet<string> = new Set(['step', 'objective', 'alert', 'phase', 'first', 'component']);

/** Labels that say what a cluster is made of, whatever prefix a fleet gives them ("example.com/cni"). */
const TRAITS: ReadonlySet<string> = new Set(['provider', 'cloud', 'cni']);

const LONGEST = 200;
/** Of an error text that is read; the rest of a long log says nothing that its beginning does not. */
const LONGEST_READ = 2000;
/** "policy/v1beta1", "flowcontrol.apiserver.k8s.io": words with digits that tell one error from another. */
const API_WORD = /^([a-z0-9.-]*\/)?v\d+((alpha|beta)\d+)?$|^[a-z0-9.-]*\.k8s\.io(\/[a-z0-9]*)?$/i;

/** Null where the outcome is no failure, or one without a cause of its own. */
export function fingerprintOf(cluster: FailedCluster, outcome: Outcome): FailureFingerprint | null {
  if (outcome.kind !== 'halted' && outcome.kind !== 'rolledBack') return null;
  const { reason: why, standing } = outcome;
  if (NOT_A_CAUSE.has(why.code)) return null;
  const nodes = Object.keys(standing).flatMap((component) => component.split('/').slice(1));
  const names = [cluster.clusterName, cluster.clusterId, ...nodes, ...ownNames(why)];
  const failure = failureWords(why, names);
  const trait = traitWords(cluster);
  return { key: `${failure} | ${trait}`, failure, trait };
}

function ownNames({ params }: Reason): string[] {
  return Object.keys(params)
    .filter((key) => NAMES.has(key))
    .map((key) => String(params[key]));
}

/** The reason's own sentence with "#" for what differs: "step upgradeKubelet on # failed: dial tcp # connection refused". */
function failureWords({ code, params }: Reason, names: readonly string[]): string {
  const plain = Object.entries(params).map(([key, value]) => {
    if (typeof value === 'number' || NAMES.has(key)) return [key, '#'];
    return [key, VERBATIM.has(key) ? value : normalisedError(value, names)];
  });
  return describeReason({ code, params: Object.fromEntries(plain) as Reason['params'] });
}

function traitWords({ labels, hop }: FailedCluster): string {
  const versions = hop ? `went from ${minorWords(hop.from)} to ${hop.to}` : 'took part';
  const made = Object.keys(labels)
    .map((key) => [key.slice(key.lastIndexOf('/') + 1), labels[key] ?? ''] as const)
    .filter(([name, value]) => TRAITS.has(name) && value !== '')
    .map((pair) => pair.join(' '))
    .sort();
  return [versions, ...made].join(', ');
}

function minorWords(text: string): string {
  const version = parseVersion(text);
  return version ? `${version.major}.${version.minor}` : text;
}

/**
 * An error text without what differs between two clusters that fail alike: their own names, addresses, hashes, UIDs,
 * versions, times and every other word with a digit in it become "#", as do quoted names and domain names. What is left
 * is the sentence that a program of the same version always says.
 */
export function normalisedError(text: string, names: readonly string[] = []): string {
  let before: string;
  let normal = withoutNames(text.slice(0, LONGEST_READ), names);
  // What became "#" may leave another thing that differs ('"$0"' is '"#"', a quoted name): until nothing does. Each pass
  // leaves fewer letters or fewer digits, so there is a last one.
  do {
    before = normal;
    normal = withoutWhatDiffers(before);
  } while (normal !== before);
  return normal;
}

function withoutWhatDiffers(text: string): string {
  return text
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '#')
    .replace(/\[[0-9a-f]*:[0-9a-f:.]*\](:\d+)?/gi, '#')
    .replace(/"[a-z0-9#]([-a-z0-9._/#]*[a-z0-9#])?"/gi, '#')
    .replace(/[a-z0-9-]+(\.[a-z0-9-]+){2,}(?![\w/])/gi, keepApiWord)
    .replace(/[^\s,;"'()[\]=]*\d[^\s,;"'()[\]=]*/g, keepApiWord)
    .replace(/\b[0-9a-f]{12,}\b/gi, '#')
    .replace(/[^\s,;"'()[\]=]*#[^\s,;"'()[\]=]*/g, '#')
    .replace(/#[#\s,;]*#/g, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
    .slice(0, LONGEST);
}

/** Whole words only: a cluster called "prod" must not take a bite out of "production". */
function withoutNames(text: string, names: readonly string[]): string {
  const known = [...new Set(names)].filter((name) => name.length > 1).sort((a, b) => b.length - a.length);
  return known.reduce((plain, name) => {
    const word = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return plain.replace(new RegExp(`(?<![a-z0-9])${word}(?![a-z0-9])`, 'gi'), '#');
  }, text);
}

function keepApiWord(word: string): string {
  return API_WORD.test(word.replace(/[.:]$/, '')) ? word : '#';
}

/** Said to people and kept as the rollout's reason. */
export function sameFailure(first: string, second: string, { failure, trait }: FailureFingerprint): Reason {
  return reason('same_failure', { first, second, failure, trait });
}
