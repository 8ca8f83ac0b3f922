/** What an API server leaves out of its JSON is empty: said once, so that the mappers read as mappings. */
export const text = (value: string | null | undefined): string => value ?? '';
export const int = (value: number | null | undefined): number => value ?? 0;
export const list = <T>(value: readonly T[] | null | undefined): readonly T[] => value ?? [];
export const record = <T>(value: Readonly<Record<string, T>> | null | undefined): Readonly<Record<string, T>> =>
  value ?? {};

/** Name and namespace of any object. */
export function idOfSent(object: { readonly metadata?: { readonly name?: string; readonly namespace?: string } }): {
  readonly name: string;
  readonly namespace: string;
} {
  return { name: text(object.metadata?.name), namespace: text(object.metadata?.namespace) };
}
