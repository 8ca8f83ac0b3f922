import { instantMs } from './calendar.js';
import { minorOf, parseVersion } from './version.js';

/**
 * End of patches of each Kubernetes minor, as announced. Source: kubernetes.io/releases/<minor>/ and
 * kubernetes/website data/releases/eol.yaml, read on 2026-11-21. Vendors (GKE, EKS, AKS, distributions) have dates of
 * their own: this is upstream's.
 */
export const SUPPORT_DATES: Readonly<Record<string, string>> = {
  '1.22': '2022-12-08',
  '1.23': '2023-02-28',
  '1.24': '2023-07-28',
  '1.25': '2023-10-28',
  '1.26': '2024-02-28',
  '1.27': '2024-07-16',
  '1.28': '2024-10-22',
  '1.29': '2025-02-28',
  '1.30': '2025-07-15',
  '1.31': '2025-11-11',
  '1.32': '2026-02-28',
  '1.33': '2026-06-28',
  '1.34': '2026-10-27',
  '1.35': '2027-02-28',
  '1.36': '2027-06-28',
  '1.37': '2027-10-28',
};

/** When this table was last compared with its source, ISO date. */
export const SUPPORT_DATES_READ = '2026-11-21';

export type Support =
  | { readonly kind: 'supported'; readonly minor: string; readonly until: string }
  | { readonly kind: 'ended'; readonly minor: string; readonly until: string }
  /** Newer than this table, or unreadable. */
  | { readonly kind: 'unknown'; readonly minor: string };

/** Whether upstream still patches the minor of `version` at `at` (epoch ms). The day itself still counts. */
export function supportOf(version: string, at: number): Support {
  const parsed = parseVersion(version);
  if (!parsed) return { kind: 'unknown', minor: version };
  const minor = minorOf(parsed);
  const until = SUPPORT_DATES[minor];
  if (until === undefined) return { kind: 'unknown', minor };
  const ends = (instantMs(`${until}T00:00:00Z`) ?? 0) + 86_400_000;
  return { kind: at < ends ? 'supported' : 'ended', minor, until };
}
