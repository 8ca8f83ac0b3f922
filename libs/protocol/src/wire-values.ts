import { malformed } from './wire-problem.js';

/** 64-bit fields come as bigint; the words of the fleet use numbers. What does not fit exactly is refused, not rounded. */
export function safeNumber(value: bigint, field: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed(`${field} ${value} does not fit`);
  return number;
}

/** Epoch ms and counters; a fraction of a millisecond is not worth a broken stream. */
export function wireInteger(value: number): bigint {
  return BigInt(Math.trunc(value));
}

/** Names an object: an empty one would match or overwrite something it should not. */
export function present(text: string, field: string): string {
  if (text === '') throw malformed(`${field} is empty`);
  return text;
}

export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw malformed(`${field} is missing`);
  return value;
}

/**
 * Free text from a cluster (a pod's message, a script's last line) may hold lone surrogates, which proto3 strings
 * refuse: the same report would then fail on every resend.
 */
export function sendable(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

/**
 * Takes a word of a closed set as it came. A newer release may send words this one does not know: they are carried to
 * the rows and screens as they are, and each reader decides by the words it knows (`isReasonCode`, `order_unknown_kind`).
 */
export function carried<Word extends string>(word: string): Word {
  return word as Word;
}
