import { Temporal } from 'temporal-polyfill';

/** Epoch ms → "2026-11-21T10:40Z", the minute that holds it, UTC; the bare number where no calendar reaches. */
export function isoMinute(at: number): string {
  try {
    return Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toString({
      smallestUnit: 'minute',
      roundingMode: 'floor',
    });
  } catch {
    return String(at);
  }
}
