import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fakeWorld, problem, type FakeWorld } from '../testing/fake-world.js';

const GOOD = `apiVersion: wavegate.dev/v1
kind: UpgradePlan
metadata: { name: k135 }
spec:
  target: { kubernetes: 1.35.4 }
  clusters:
    selector: "env = prod"
  strategy:
    waves: [5%, 25%, 100%]
`;

function file(world: FakeWorld, text: string): string {
  const path = join(world.home, 'plan.yaml');
  writeFileSync(path, text);
  return path;
}

async function validate(text: string, ...more: string[]) {
  const world = fakeWorld({ env: {} });
  const path = file(world, text);
  const { code, out, err } = await world.run('plan', 'validate', path, ...more);
  return { code, lines: out.trim().replaceAll(path, 'plan.yaml').split('\n'), err };
}

describe('plan validate without a hub', () => {
  it('a sound plan → valid, and that no fleet was asked', async () => {
    const { code, lines } = await validate(GOOD);
    expect([code, lines[0]]).toEqual([0, expect.stringContaining('valid by itself; it was not compared with a fleet')]);
  });

  it('waves that shrink → line and column, field, value, what is wrong, what would be right', async () => {
    const { code, lines, err } = await validate(GOOD.replace('25%', '2%'));
    expect(code).toBe(1);
    expect(lines).toEqual([
      'plan.yaml:9:12  spec.strategy.waves  [5%, 2%, 100%]: wave 2 (2 %) is smaller than wave 1 (5 %), for example [5%, 25%, 50%, 100%]',
    ]);
    expect(err).toBe('1 error. Nothing was stored.\n');
  });

  it('a misspelt field → its key; a wrong value → the value; a missing field → what it is missing from', async () => {
    const misspelt = await validate(`${GOOD}    maxInFlite: 3\n`);
    expect(misspelt.lines[0]).toMatch(/^plan.yaml:10:5 {2}spec\.strategy\.maxInFlite .*"maxInFlight"/);
    const wrong = await validate(`${GOOD}    maxInFlight: 0\n`);
    expect(wrong.lines[0]).toMatch(/^plan.yaml:10:18 {2}spec\.strategy\.maxInFlight is 0; write /);
    const missing = await validate(GOOD.replace('kubernetes: 1.35.4', 'via: {}'));
    expect(missing.lines[0]).toMatch(/^plan.yaml:5:3 {2}spec\.target\.kubernetes is missing/);
    const nameless = await validate(GOOD.replace('metadata: { name: k135 }\n', ''));
    expect(nameless.lines[0]).toMatch(/^plan.yaml:1:1 {2}metadata is missing/);
  });

  it('not YAML, empty, a list → refused with a place, never a stack', async () => {
    for (const text of ['a: [1', '', '- 1\n', 'a: 1\na: 2\n']) {
      const { code, lines, err } = await validate(text);
      expect([text, code]).toEqual([text, 1]);
      expect([...lines, err].join('\n')).toMatch(/plan\.yaml:\d+:\d+ {2}/);
      expect(err).not.toContain('    at ');
    }
  });

  it('-o json → the problems with their pointers', async () => {
    const { code, lines } = await validate(GOOD.replace('25%', '2%'), '-o', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(lines.join('\n'))).toMatchObject({ valid: false, errors: [{ pointer: '/spec/strategy/waves' }] });
  });

  it('a file that is not there → 1, with its name', async () => {
    const { code, err } = await fakeWorld({ env: {} }).run('plan', 'preview', 'nowhere.yaml');
    expect([code, err]).toEqual([1, expect.stringContaining('nowhere.yaml cannot be read')]);
  });
});

describe('plans and a hub', () => {
  const errors = [
    { pointer: '/spec/clusters/selector', code: 'empty_selection', detail: 'spec.clusters.selector matches none' },
  ];
  const unfit = () => problem(422, 'The plan does not fit the fleet', { errors });

  it('what only the fleet shows → told by its place in the file; --offline does not ask', async () => {
    const world = fakeWorld({ answers: { 'POST /plans/validate': unfit } });
    const path = file(world, GOOD);
    const { code, out } = await world.run('plan', 'validate', path);
    expect([code, out]).toEqual([1, `${path}:7:15  spec.clusters.selector matches none\n`]);
    expect((await world.run('plan', 'validate', path, '--offline')).code).toBe(0);
    expect(world.sent).toHaveLength(1);
  });

  it('preview and apply of an unsound plan → refused before anything is sent', async () => {
    const world = fakeWorld();
    const path = file(world, GOOD.replace('25%', '2%'));
    for (const verb of ['preview', 'apply']) expect((await world.run('plan', verb, path)).code).toBe(1);
    expect(world.sent).toEqual([]);
  });

  it('apply that the hub refuses → lines with places on stderr; 1', async () => {
    const world = fakeWorld({ answers: { 'POST /plans': unfit } });
    const path = file(world, GOOD);
    const { code, out, err } = await world.run('plan', 'apply', path);
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(`${path}:7:15  spec.clusters.selector matches none\n1 error. Nothing was stored.\n`);
  });

  it('schema → JSON Schema, without a hub', async () => {
    const { code, out } = await fakeWorld({ env: {} }).run('plan', 'schema');
    expect([code, Object.keys((JSON.parse(out) as { $defs: object }).$defs)]).toEqual([0, ['UpgradePlan']]);
  });
});
