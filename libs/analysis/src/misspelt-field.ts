import { nearestName } from '@wavegate/fleet';

/** Whether a field is most likely meant to be a known one: "basline", "Policy", "period_seconds". */
export function isMisspelt(field: string, known: readonly string[]): boolean {
  return nearestName(plain(field), known.map(plain)) !== null;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
