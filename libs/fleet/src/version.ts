import semver from 'semver';

/** A Kubernetes version as read from an API server, a node or a plan. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** The release alone, no leading v and no vendor build: "1.35.4", "1.35.0-rc.1". Equal text = equal version. */
  readonly text: string;
  /** As it was given. */
  readonly raw: string;
  /** "gke", "eks", "aks", "k3s", …; "other" for a suffix nobody here knows; "" for upstream. */
  readonly vendor: string;
}

const SHAPE = /^v?(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/;
const PRERELEASE = /^(alpha|beta|rc)\.\d+/;
/** How managed services and distributions mark their builds; AKS calls its patched node builds "hotfix". */
const VENDORS: readonly (readonly [prefix: string, vendor: string])[] = [
  ['gke', 'gke'],
  ['eks', 'eks'],
  ['aks', 'aks'],
  ['hotfix', 'aks'],
  ['k3s', 'k3s'],
  ['rke2', 'rke2'],
  ['k0s', 'k0s'],
  ['rancher', 'rke'],
  ['vmware', 'vmware'],
  ['iks', 'iks'],
  ['aliyun', 'ack'],
  ['tke', 'tke'],
];

function vendorOf(suffix: string, build: string): string {
  const mark = (suffix || build).toLowerCase();
  const known = VENDORS.find(([prefix]) => mark.startsWith(prefix));
  if (known) return known[1];
  // A bare build hash ("+abcdef0") says nothing about who built it; a dash suffix that is no prerelease does.
  return suffix ? 'other' : '';
}

/**
 * Reads "1.34.4", "v1.33.1-eks-5d4a308", "1.33.1-gke.1057001", "v1.31.2+k3s1", "1.35.0-rc.1"; null for anything else.
 * A vendor's dash suffix is a build of the release, not a prerelease of it, which plain semver would take it for.
 */
export function parseVersion(text: string): Version | null {
  const match = SHAPE.exec(text.trim());
  if (!match) return null;
  const [suffix, build] = [match[4] ?? '', match[5] ?? ''];
  const prerelease = PRERELEASE.test(suffix);
  const release = [match[1], match[2], match[3]].map(Number).join('.');
  // semver refuses what only looks like a prerelease ("rc.01").
  const version = semver.parse(prerelease ? `${release}-${suffix}` : release);
  if (!version) return null;
  const { major, minor, patch, version: normalised } = version;
  return { major, minor, patch, text: normalised, raw: text, vendor: vendorOf(prerelease ? '' : suffix, build) };
}

/** For texts already checked by `parseVersion` or the plan reader; throws RangeError on others. */
export function requireVersion(version: Version | string): Version {
  if (typeof version !== 'string') return version;
  const parsed = parseVersion(version);
  if (!parsed) throw new RangeError(`"${version}" is not a Kubernetes version such as 1.35.4`);
  return parsed;
}

/** Negative, 0 or positive by the order of releases; prereleases before their release, vendor builds of a patch equal. */
export function compareVersions(a: Version | string, b: Version | string): number {
  return semver.compare(requireVersion(a).text, requireVersion(b).text);
}

/** "1.35.4" → "1.35". */
export function minorOf(version: Version | string): string {
  const { major, minor } = requireVersion(version);
  return `${major}.${minor}`;
}

export function sameMinor(a: Version | string, b: Version | string): boolean {
  return minorOf(a) === minorOf(b);
}

/** Minors from `from` up to `to`: 2 for 1.33 → 1.35, negative downwards, ±Infinity across a major. */
export function minorDistance(from: Version | string, to: Version | string): number {
  const [low, high] = [requireVersion(from), requireVersion(to)];
  if (low.major !== high.major) return low.major < high.major ? Infinity : -Infinity;
  return high.minor - low.minor;
}

/** The oldest (newest) of some versions, by release; null of none. Unreadable texts are left out. */
export function oldestVersion(texts: readonly string[]): Version | null {
  return ordered(texts)[0] ?? null;
}

export function newestVersion(texts: readonly string[]): Version | null {
  return ordered(texts).at(-1) ?? null;
}

function ordered(texts: readonly string[]): Version[] {
  return texts
    .map((text) => parseVersion(text))
    .filter((version) => version !== null)
    .sort(compareVersions);
}
