import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { declaredObjectives, readPlan } from '@wavegate/fleet';
import type { CliFailure } from './cli-failure.js';
import { withObjectiveFiles } from './objective-files.js';

const query = (code: string): string =>
  `{ metricSource: { type: Prometheus, spec: { query: 'sum(increase(http_requests_total{${code}}[5m]))' } } }`;
const ratio = `{ counter: true, good: ${query('code!~"5.."')}, total: ${query('')} }`;
const slo = (name: string, indicator: string): string => `
apiVersion: openslo/v1
kind: SLO
metadata: { name: ${name} }
spec:
  service: shop
  ${indicator}
  budgetingMethod: Occurrences
  objectives: [{ target: 0.995 }]
`;
const inline = `indicator: { metadata: { name: i }, spec: { ratioMetric: ${ratio} } }`;
const sli = `apiVersion: openslo/v1\nkind: SLI\nmetadata: { name: shop-ratio }\nspec: { ratioMetric: ${ratio} }\n`;

const folders: string[] = [];
afterAll(() => folders.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

/** A folder with the plan's place and the files of slo/. */
function folder(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'wavegate-slo-'));
  folders.push(dir);
  mkdirSync(join(dir, 'slo'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'slo', name), text);
  return join(dir, 'plan.yaml');
}
const plan = (...objectives: unknown[]) => ({
  ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
  spec: { target: { kubernetes: '1.35.4' }, verdict: { objectives } },
});

function declared(value: unknown) {
  const read = readPlan(value);
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return declaredObjectives(read.plan);
}

describe('objectives that stand in files', () => {
  it('an OpenSLO file beside the plan → its objective, in the plan itself', () => {
    const path = folder({ 'checkout.yaml': slo('checkout', inline) });
    const [found] = declared(withObjectiveFiles(plan({ from: 'slo/checkout.yaml', mode: 'dryRun' }), path));
    expect(found).toMatchObject({ name: 'checkout', objective: 0.995, decisive: false });
    expect(found?.query?.total).toContain('http_requests_total');
  });

  it('several in one file, an indicator in a document of its own → the one that is named, with its indicator', () => {
    const text = [slo('checkout', inline), slo('search', 'indicatorRef: shop-ratio'), sli].join('---\n');
    const path = folder({ 'all.yaml': text });
    const [found] = declared(withObjectiveFiles(plan({ from: 'slo/all.yaml', name: 'search' }), path));
    expect(found).toMatchObject({ name: 'search', objective: 0.995 });
    expect(() => withObjectiveFiles(plan({ from: 'slo/all.yaml' }), path)).toThrow(
      /has 2 SLOs \(checkout, search\); write which/,
    );
  });

  it('no such file, no SLO in it, not YAML, no path → the field, and what would be right', () => {
    const path = folder({ 'none.yaml': sli, 'broken.yaml': 'a: [' });
    const refusal = (from: unknown): string => {
      try {
        withObjectiveFiles(plan('apiserver-availability', { from }), path);
      } catch (error) {
        return (error as CliFailure).lines.join('\n');
      }
      return '';
    };
    expect(refusal('slo/gone.yaml')).toMatch(/objectives\[1\]\.from {2}.*slo\/gone\.yaml cannot be read/);
    expect(refusal('slo/none.yaml')).toMatch(/has no OpenSLO document of kind: SLO/);
    expect(refusal('slo/broken.yaml')).toMatch(/broken\.yaml {2}not valid YAML/);
    expect(refusal(7)).toMatch(/is 7; write the path of an OpenSLO file/);
  });

  it('a plan without such an entry → as it was', () => {
    const value = plan('apiserver-availability');
    expect(withObjectiveFiles(value, 'plan.yaml')).toBe(value);
  });
});
