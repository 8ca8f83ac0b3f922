import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { planJsonSchema, planSchemaAt } from './plan-json-schema.js';

const golden = new URL('./gen/upgrade-plan.schema.json', import.meta.url);

describe('the published JSON Schema of a plan', () => {
  it('the committed file is what the shape says now (UPDATE_GOLDEN=1 writes it)', () => {
    const now = `${JSON.stringify(planJsonSchema(), null, 2)}\n`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, now);
    expect(readFileSync(golden, 'utf8')).toBe(now);
  });

  it('a person may leave out whatever has a default, and nothing unknown is let through', () => {
    expect(planSchemaAt([])).toMatchObject({
      additionalProperties: false,
      required: ['apiVersion', 'kind', 'metadata', 'spec'],
    });
    expect(planSchemaAt(['spec'])).toMatchObject({ additionalProperties: false, required: ['target'] });
  });

  it('a place is found by its path, through lists and maps', () => {
    expect(planSchemaAt(['spec', 'gates', 'windows', 3, 'start'])?.pattern).toContain(':[0-5]');
    expect(planSchemaAt(['spec', 'target', 'via', '1.34'])?.type).toBe('string');
    expect(planSchemaAt(['spec', 'nowhere', 'else'])).toBeNull();
  });
});
