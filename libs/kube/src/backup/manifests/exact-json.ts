/** Node's JSON can keep a number as it was written; the language's type library does not know it yet. */
interface RawJson {
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
}
const raw = JSON as unknown as RawJson;

/** An integer of 16 digits or more may lie beyond what a JavaScript number can hold. */
const LONG_NUMBER = /[:[,]\s*-?\d{16,}/;

/** Parses without changing a digit: a 64-bit integer in a custom resource must come back as it was. */
export function parseExactly(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  const keep = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source)
      ? raw.rawJSON(context.source)
      : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

export const isRawNumber = (value: unknown): boolean => raw.isRawJSON(value);
