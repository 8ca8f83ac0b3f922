import type { Selector } from '@wavegate/fleet';
import type { LabelSelector } from './velero-objects.js';

/** Kubernetes' selector as an object, from the one a person wrote; undefined selects everything. */
export function toLabelSelector({ requirements }: Selector): LabelSelector | undefined {
  if (requirements.length === 0) return undefined;
  const operator = { in: 'In', notIn: 'NotIn', exists: 'Exists', absent: 'DoesNotExist' } as const;
  return {
    matchExpressions: requirements.map(({ key, op, values }) => ({
      key,
      operator: operator[op],
      ...(values.length > 0 ? { values } : {}),
    })),
  };
}

/** Does an object with these labels belong to the backup? As the API server decides it. */
export function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return equal && (selector?.matchExpressions ?? []).every((one) => holds(one, labels));
}

function holds(
  { key, operator, values = [] }: NonNullable<LabelSelector['matchExpressions']>[number],
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
