/** What the library knows how to ask for, as data. */
interface LibraryEntry<Version> {
  readonly name: string;
  /** What it is, in words: "requests that …" are good, or "memory …, in bytes". */
  readonly about: string;
  /** What exposes the metrics. */
  readonly from: string;
  readonly params: readonly SliParam[];
  /** Metrics are renamed: each entry holds for a range of Kubernetes minors. */
  readonly versions: readonly Version[];
}

/** A service level: `slis/*.yaml`, checked and turned into `gen/sli-library.ts` by `make gen`. */
export interface SliDefinition extends LibraryEntry<SliVersion> {
  /** The usual share of good events. */
  readonly objective: number;
}

/** Something that is measured and not counted: `gauges.yaml`, turned into `gen/sli-library.ts` by `make gen`. */
export type GaugeDefinition = LibraryEntry<GaugeVersion>;

export interface SliParam {
  readonly name: string;
  /** Null: the plan must say it. A list stands for "one of". */
  readonly default: string | number | readonly string[] | null;
  readonly about: string;
}

/** When metrics are called so. */
interface VersionRange {
  /** `*`, `>=1.26`, `>=1.23 <1.27`. */
  readonly kubernetes: string;
  /** Versions of what exposes the metrics (`from`) that call them so, in the same form; null: a part of Kubernetes. */
  readonly component: string | null;
}

export interface SliVersion extends VersionRange {
  /** One of bad and good; PromQL with `$period` and `$parameter` in label values. */
  readonly bad: string | null;
  readonly good: string | null;
  readonly total: string;
}

export interface GaugeVersion extends VersionRange {
  /** One series: aggregated as is usual for it. */
  readonly query: string;
}

/** Whether a minor ("1.35") or version lies in the range; majors count: 2.0 is later than 1.99. */
export function isInRange(range: string, version: string): boolean {
  if (range === '*') return true;
  const at = placeOf(version);
  return range.split(' ').every((bound) => {
    const match = /^([<>])(=?)(\d+\.\d+)$/.exec(bound);
    if (!match || at === null) return false;
    const limit = placeOf(match[3] ?? '') ?? Number.NaN;
    if (at === limit) return match[2] === '=';
    return match[1] === '>' ? at > limit : at < limit;
  });
}

/** Order of minors across majors; null where it is no version. */
function placeOf(version: string): number | null {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  return match ? Number(match[1]) * 10_000 + Number(match[2]) : null;
}
