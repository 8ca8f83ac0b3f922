import { z } from 'zod';
import { PlanSchema } from './plan.js';

/** The part of JSON Schema that a plan's schema uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

/** Of "a name, or fields" the part with the fields; any other schema itself. */
export function longForm(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find(({ properties }) => properties) ?? schema;
}

let made: JsonSchema | null = null;

/** JSON Schema (2020-12) of a plan as a person writes it: fields with a default are optional. */
export function planJsonSchema(): JsonSchema {
  made ??= z.toJSONSchema(PlanSchema, { io: 'input' }) as JsonSchema;
  return made;
}

/** The schema of the place that a path leads to; null where the plan has no such place. */
export function planSchemaAt(path: readonly PropertyKey[]): JsonSchema | null {
  const root = planJsonSchema();
  let here: JsonSchema | null = root.$defs?.[root.$ref?.split('/').at(-1) ?? ''] ?? root;
  for (const step of path) {
    if (here === null) return null;
    here = below(here, step);
  }
  return here;
}

function below(either: JsonSchema, step: PropertyKey): JsonSchema | null {
  const schema = longForm(either);
  if (typeof step === 'number') return schema.items ?? null;
  const name = String(step);
  if (schema.properties && Object.hasOwn(schema.properties, name)) return schema.properties[name] ?? null;
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : null;
}
