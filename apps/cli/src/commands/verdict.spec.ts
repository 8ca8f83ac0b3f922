import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fakeWorld } from '../testing/fake-world.js';
import { golden } from '../testing/golden.js';

const DOCS = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'verdicts');

const series = (factor: number, more: object = {}) => ({
  periodSeconds: 60,
  slis: [
    {
      ...{ name: 'availability', objective: 0.999, decisive: true },
      baseline: Array.from({ length: 60 }, (_, n) => [n % 3, 1000]),
      after: Array.from({ length: 30 }, (_, n) => [(n % 3) * factor, 1000]),
    },
  ],
  ...more,
});

/** Runs `verdict WORDS` on a file of this text, with no hub configured. */
async function run(text: string, name: string, ...words: string[]) {
  const world = fakeWorld({ env: {} });
  const path = join(world.home, name);
  writeFileSync(path, text);
  const { code, out, err } = await world.run('verdict', ...words.map((word) => (word === 'FILE' ? path : word)));
  return { code, out, err: err.replaceAll(path, name), home: world.home, world };
}

describe('verdict judge', () => {
  it('the examples of the documentation → the screens and the pictures that it shows', async () => {
    const names = readdirSync(DOCS).filter((name) => name.endsWith('.json'));
    expect(names).toHaveLength(6);
    const screens: string[] = [];
    for (const file of names.sort()) {
      const world = fakeWorld({ env: {} });
      const { code, out } = await world.run('verdict', 'judge', join(DOCS, file), '--plot', world.home);
      expect(code).toBe(0);
      screens.push(`$ wavegate verdict judge ${file}\n${out}`);
      const drawn = readFileSync(join(world.home, 'checkout-availability.svg'), 'utf8');
      const shown = join(DOCS, file.replace('.json', '.svg'));
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(shown, drawn);
      expect(drawn).toBe(readFileSync(shown, 'utf8'));
    }
    const text = screens.join('\n').trimEnd();
    expect(golden('verdict', text)).toBe(text);
  });

  it('no events since the change → a dash, not 0 % bad', async () => {
    const quiet = series(1);
    const [sli] = quiet.slis;
    const silent = { ...quiet, slis: [{ ...sli, after: Array.from({ length: 30 }, () => [0, 0]) }] };
    const { out } = await run(JSON.stringify(silent), 'month.json', 'judge', 'FILE');
    expect(out).toMatch(/availability +no data +0\.1 % +– +– +0\.2 % +– +0 +0/);
  });

  it('-o json → verdict, period, reasons with their words, and the numbers', async () => {
    const { code, out } = await run(JSON.stringify(series(5)), 'month.json', 'judge', 'FILE', '-o', 'json');
    expect(code).toBe(0);
    const answer = JSON.parse(out) as { period: number };
    expect(answer).toMatchObject({
      ...{ verdict: 'hold', final: true },
      reasons: [{ code: 'slo_regressed', text: expect.stringContaining('times as bad as its own past') }],
      slis: [{ name: 'availability', state: 'worse' }],
    });
    expect(answer.period).toBeLessThanOrEqual(6);
  });

  it('a .jsonl file → a line of JSON for each line, the bad ones told with their place and code 1', async () => {
    const lines = [series(1), series(5, { policy: { onRegression: 'rollback' } }), series(1, { polcy: {} })];
    const text = [...lines.map((line) => JSON.stringify(line)), '', 'nope'].join('\n');
    const { code, out, err } = await run(text, 'many.jsonl', 'judge', 'FILE');
    const answers = out.trim().split('\n');
    expect(answers.map((line) => (JSON.parse(line) as { verdict?: string }).verdict ?? 'error')).toEqual([
      ...['promote', 'rollback', 'error', 'error'],
    ]);
    expect(JSON.parse(answers[2] ?? '')).toMatchObject({ error: { line: 3, field: 'polcy' } });
    expect(code).toBe(1);
    expect(err).toMatch(/many\.jsonl:5:\d+ {2}not valid JSON/);
    expect(err).toMatch(/2 of 4 lines could not be judged/);
  });

  it.each<[string, string, RegExp]>([
    ['an empty file', '', /^month\.json:1:1 {2}the file is empty; write \{/],
    ['NaN', '{"periodSeconds": 60,\n"slis": [NaN]}', /^month\.json:2:10 {2}not valid JSON.*write null/],
    ['a list', '[]', /^month\.json:1:1 {2}is \[\]; write an object/],
    [
      'a sample that cannot be, on its line',
      '{ "periodSeconds": 60, "slis": [\n{ "name": "a", "objective": 0.99, "baseline": [],\n  "after": [null,\n    [7, 5]] }] }',
      /^month\.json:4:5 {2}slis\[0\]\.after\[1\] is \[7, 5\]: more bad than all/,
    ],
  ])('%s → file, line, field, what would be right; code 1, nothing on stdout', async (_, text, expected) => {
    const { code, out, err } = await run(text, 'month.json', 'judge', 'FILE');
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(expected);
  });

  it('a few impossible samples among many → judged, and told as no samples', async () => {
    const given = series(1);
    given.slis[0]?.after.splice(4, 1, [40, 3]);
    const { code, err } = await run(JSON.stringify(given), 'month.json', 'judge', 'FILE');
    expect(code).toBe(0);
    expect(err).toMatch(/slis\[0\]\.after\[4\] is \[40, 3\].*counted as no sample/);
  });

  it('a byte order mark, lines on stdin → read all the same', async () => {
    const marked = await run(`\uFEFF${JSON.stringify(series(5))}`, 'month.json', 'judge', 'FILE');
    expect([marked.code, marked.out.split(' ')[0]]).toEqual([0, 'hold']);
    const lines = [series(1), series(5)].map((one) => JSON.stringify(one)).join('\n');
    const world = fakeWorld({ env: {}, input: `\uFEFF${lines}\n` });
    const { code, out } = await world.run('verdict', 'judge', '-');
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { verdict: string }).verdict),
    ).toEqual([...['promote', 'hold']]);
    const whole = fakeWorld({ env: {}, input: JSON.stringify(series(5), null, 1) });
    expect((await whole.run('verdict', 'judge', '-')).out).toMatch(/^hold {2}in period/);
  });

  it('files that cannot be written → a line that says why, no stack', async () => {
    const text = JSON.stringify(series(5));
    const world = fakeWorld({ env: {} });
    const month = join(world.home, 'month.json');
    writeFileSync(month, text);
    const kept = await world.run('verdict', 'judge', month, '--evidence', join(world.home, 'no', 'kept.json'));
    expect([kept.code, kept.err]).toEqual([
      1,
      expect.stringMatching(/kept\.json cannot be written: its folder is not there/),
    ]);
    const drawn = await world.run('verdict', 'judge', month, '--plot', month);
    expect([drawn.code, drawn.err]).toEqual([
      1,
      expect.stringMatching(/cannot be a folder: a file of this name is there/),
    ]);
    const below = await world.run('verdict', 'judge', month, '--plot', join(month, 'plots'));
    expect([below.code, below.err]).toEqual([
      1,
      expect.stringMatching(/cannot be a folder: a part of its path is a file/),
    ]);
    for (const { err } of [kept, drawn, below]) expect(err).not.toMatch(/Error:|\n\s+at /);
  });

  it('objectives whose names make the same file name → a picture each', async () => {
    const [sli] = series(1).slis;
    const names = ['a/b', 'a b', 'A-b'];
    const text = JSON.stringify({ ...series(1), slis: names.map((name) => ({ ...sli, name })) });
    const { code, home, world } = await run(text, 'month.json', 'judge', 'FILE');
    expect(code).toBe(0);
    await world.run('verdict', 'judge', join(home, 'month.json'), '--plot', join(home, 'plots'));
    expect(readdirSync(join(home, 'plots')).sort()).toEqual(['A-b-3.svg', 'a-b-2.svg', 'a-b.svg']);
    expect(readFileSync(join(home, 'plots', 'a-b-2.svg'), 'utf8')).toContain('a b: share');
  });

  it('a gauge → compared, shown, and told that it decides nothing', async () => {
    const level = (mean: number) => Array.from({ length: 80 }, (_, n) => mean + (n % 7));
    const gauges = [{ name: 'memory', baseline: level(100), after: level(150), perPeriod: 10 }];
    const text = JSON.stringify(series(1, { gauges }));
    const { out } = await run(text, 'month.json', 'judge', 'FILE');
    expect(out).toMatch(/memory \(gauge, never decisive\): higher than before; mean 103 before, 153 since, p < 0\.001/);
    const json = await run(text, 'month.json', 'judge', 'FILE', '-o', 'json');
    expect(JSON.parse(json.out)).toMatchObject({ verdict: 'promote', gauges: [{ name: 'memory', state: 'higher' }] });
  });

  it('a file that is not there → told in a line', async () => {
    const { code, err } = await fakeWorld({ env: {} }).run('verdict', 'judge', '/nowhere/month.json');
    expect([code, err]).toEqual([1, expect.stringContaining('/nowhere/month.json cannot be read')]);
  });
});

describe('verdict recompute', () => {
  it('evidence that judge wrote → the same verdict; with another verdict → code 1 and where it differs', async () => {
    const world = fakeWorld({ env: {} });
    const [month, kept] = [join(world.home, 'month.json'), join(world.home, 'kept.json')];
    writeFileSync(month, JSON.stringify(series(5)));
    await world.run('verdict', 'judge', month, '--evidence', kept);
    expect(existsSync(kept)).toBe(true);
    expect(await world.run('verdict', 'recompute', kept)).toMatchObject({
      code: 0,
      out: expect.stringContaining('the same verdict'),
    });
    const evidence = readFileSync(kept, 'utf8');
    writeFileSync(kept, evidence.replace('"kind": "hold"', '"kind": "promote"'));
    const changed = await world.run('verdict', 'recompute', kept);
    expect([changed.code, changed.err]).toEqual([1, expect.stringContaining('kind: promote, recomputed hold')]);
    writeFileSync(
      kept,
      evidence.replace('"onBurn": "rollback"', '"onBurn": "hold"').replace(/\[\n\s+2,\n\s+1000\n\s+\]/, '[9, 1000]'),
    );
    expect((await world.run('verdict', 'recompute', kept)).err).toContain('samplesHash: ');
  });

  it('an inconclusive verdict → the period that was printed is the one that is kept, and follows', async () => {
    const world = fakeWorld({ env: {} });
    const [month, kept] = [join(world.home, 'month.json'), join(world.home, 'kept.json')];
    const silent = series(1);
    silent.slis[0]?.after.splice(4, 26, ...new Array<never>(40).fill(null as never));
    writeFileSync(month, JSON.stringify(silent));
    const { out } = await world.run('verdict', 'judge', month, '--evidence', kept, '-o', 'json');
    const printed = JSON.parse(out) as { verdict: string; period: number };
    expect(printed).toMatchObject({ verdict: 'inconclusive', period: 31 });
    const { verdict } = JSON.parse(readFileSync(kept, 'utf8')) as { verdict: { period: number } };
    expect(verdict.period).toBe(printed.period);
    expect((await world.run('verdict', 'recompute', kept)).code).toBe(0);
    writeFileSync(kept, readFileSync(kept, 'utf8').replace('"period": 31', '"period": 30'));
    expect((await world.run('verdict', 'recompute', kept)).err).toContain('period: 30, recomputed null');
  });

  it('evidence of which the hub could not keep all → said so, not taken for a changed verdict', async () => {
    const incomplete = 'the 120 oldest periods since the change';
    const text = JSON.stringify({
      ...{ schema: 1, kind: 'VerdictEvidence', incomplete },
      verdict: { kind: 'promote' },
    });
    const { code, out, err } = await run(text, 'kept.json', 'recompute', 'FILE');
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/incomplete evidence\..*the 120 oldest periods since the change are left out/);
    expect(err).not.toContain('does not follow');
    const json = await run(text, 'kept.json', 'recompute', 'FILE', '-o', 'json');
    expect(JSON.parse(json.out)).toEqual({ same: null, incomplete });
  });

  it('something else than evidence → refused, and where evidence comes from', async () => {
    for (const text of [
      '{}',
      '[]',
      'nope',
      '{"kind":"VerdictEvidence","schema":2}',
      '{"kind":"VerdictEvidence","schema":1}',
    ]) {
      const { code, err } = await run(text, 'kept.json', 'recompute', 'FILE');
      expect([text, code]).toEqual([text, 1]);
      expect(err).toMatch(/^kept\.json {2}/);
    }
  });
});
