import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import type { Rollout } from './gen/types.gen.js';
import { fakeWorld, type FakeWorld, type FakeWorldOptions } from './testing/fake-world.js';
import { ago, sampleCluster, sampleClusters, sampleRollout, viewOf } from './testing/sample-rollout.js';

const running = sampleRollout({ state: 'running', asks: null });
const finished = sampleRollout({ state: 'finished', finishedAt: ago(0), asks: null });
const aborted = sampleRollout({ state: 'aborted', finishedAt: ago(0), asks: null });

type Look = Rollout | 'gone';

/** A hub that shows one look after the other; "gone" = it does not answer. */
function watched(looks: readonly Look[], options: FakeWorldOptions = {}): FakeWorld {
  let at = 0;
  const look = (): Rollout => {
    const now = looks[Math.min(at++, looks.length - 1)];
    if (now === undefined || now === 'gone') throw new TypeError('fetch failed', { cause: new Error('refused') });
    return now;
  };
  const moved = sampleCluster('stg-fra-3', { phase: 'upgrading', reason: viewOf(reason('draining', { node: 'w-1' })) });
  const clusters = () => (at < 2 ? sampleClusters() : [...sampleClusters().slice(0, 5), moved]);
  const answers = {
    'GET /rollouts/latest': look,
    'GET /rollouts/7f3c01aa': look,
    'GET /rollouts/7f3c01aa/clusters': () => ({ items: clusters(), nextCursor: null }),
  };
  return fakeWorld({ answers, ...options });
}

describe('rollout watch', () => {
  it('off a terminal: running, then finished → the screen, then changed lines only; 0', async () => {
    const { code, out, err } = await watched([running, running, finished]).run('rollout', 'watch', 'latest');
    expect([code, err]).toEqual([0, '']);
    expect(out).not.toContain('\u001b');
    const later = out.split('\n').filter((line) => line.startsWith('12:30  '));
    expect(later).toEqual([
      '12:30  stg-fra-3  upgrading  1.34.4 / 1.34.4 ×4  node w-1 is drained',
      expect.stringMatching(/^12:30 {2}rollout 7f3c01aa finished: /),
    ]);
  });

  it('"latest" → the rollout it meant at first, also when a newer one begins', async () => {
    const world = watched([running, finished]);
    await world.run('rollout', 'watch', 'latest');
    const asked = world.sent.map(({ path }) => path).filter((path) => !path.includes('/clusters'));
    expect(asked).toEqual(['/rollouts/latest', '/rollouts/7f3c01aa']);
  });

  it('aborted → 3; blocked → 3, unless only the end counts', async () => {
    expect((await watched([running, aborted]).run('rollout', 'watch', 'latest')).code).toBe(3);
    const blocked = await watched([sampleRollout()]).run('rollout', 'watch', 'latest');
    expect([blocked.code, blocked.err]).toEqual([3, 'Rollout 7f3c01aa is blocked and waits for a person.\n']);
    const patient = watched([sampleRollout(), running, finished]);
    expect((await patient.run('rollout', 'watch', 'latest', '--until', 'finished')).code).toBe(0);
  });

  it('finished, and every cluster was left out → 3: a pipeline must not take it for an upgrade', async () => {
    const empty = { ...finished, reason: viewOf(reason('nothing_upgraded', { clusters: 38 })) };
    const { code, out, err } = await watched([empty]).run('rollout', 'watch', 'latest');
    expect([code, err]).toEqual([3, 'Rollout 7f3c01aa is over and upgraded nothing.\n']);
    expect(out).toContain('FINISHED  the rollout is over and upgraded nothing: all 38 clusters were left out');
  });

  it('aborted with clusters still in flight → waits for them', async () => {
    const stopping = { ...aborted, finishedAt: null };
    const world = watched([stopping, stopping, aborted]);
    expect((await world.run('rollout', 'watch', 'latest')).code).toBe(3);
    expect(world.sent.filter(({ path }) => path === '/rollouts/7f3c01aa')).toHaveLength(2);
  });

  it('the hub goes away meanwhile → said once, waited for, said when it is back', async () => {
    const { code, err } = await watched([running, 'gone', 'gone', finished]).run('rollout', 'watch', 'latest');
    expect(code).toBe(0);
    expect(err).toBe(
      'The hub at http://hub.test does not answer: refused. Asking on every 2 s.\nThe hub answers again.\n',
    );
  });

  it('the hub is not there at first → 1 at once', async () => {
    expect((await watched(['gone']).run('rollout', 'watch', 'latest')).code).toBe(1);
  });

  it('interrupted → 130', async () => {
    const world = watched([running], { onSleep: (self) => self.interrupt() });
    expect((await world.run('rollout', 'watch', 'latest')).code).toBe(130);
  });

  it('on a terminal → drawn again in place, coloured unless NO_COLOR', async () => {
    const up = new RegExp(`${String.fromCharCode(27)}\\[\\d+A`);
    const red = `${String.fromCharCode(27)}[31m`;
    const live = await watched([running, finished], { isTTY: true }).run('rollout', 'watch', 'latest');
    expect(live.out).toMatch(up);
    expect(live.out).toContain(red);
    const env = { WAVEGATE_URL: 'http://hub.test', NO_COLOR: '1' };
    const plain = await watched([running, finished], { isTTY: true, env }).run('rollout', 'watch', 'latest');
    expect(plain.out).not.toContain(red);
  });

  it('on a terminal, a message between two drawings → the next drawing does not go back over it', async () => {
    const world = watched([running, 'gone', finished], { isTTY: true });
    const { out } = await world.run('rollout', 'watch', 'latest');
    expect(out).not.toContain('\u001b[0J');
  });

  it('-o json → one object per look that shows something new', async () => {
    const { out } = await watched([running, finished]).run('rollout', 'watch', 'latest', '-o', 'json');
    const states = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { rollout: Rollout }).rollout.state);
    expect(states).toEqual(['running', 'finished']);
  });
});
