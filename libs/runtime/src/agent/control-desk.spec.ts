import { describe, expect, it } from '@jest/globals';
import type { AgentReport, SliSamples } from '@wavegate/fleet';
import { ControlDesk } from './control-desk.js';
import type { Metrics } from './ports.js';
import { ReportOutbox } from './report-outbox.js';
import { sampleOrder } from './testing/sample-order.js';

const { plan } = sampleOrder({}, { verdict: { objectives: ['checkout'], period: '1m' } });
const request = { plan, planDigest: 'd', from: 0, until: 120_000, periodMs: 60_000 };
const counted = (name: string): SliSamples => ({
  ...{ name, objective: 0.999, decisive: true, baseline: [] },
  after: [
    [1, 10],
    [2, 10],
  ],
});

function desk(samples: Metrics['samples']) {
  const outbox = new ReportOutbox();
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  const log = { info: say, warn: say, error: say };
  return { desk: new ControlDesk({ samples }, outbox, log), outbox, said };
}

describe('counting for others', () => {
  it('the hub asks → what the plan’s objectives count, and nothing else that the source knows', async () => {
    const { desk: one, outbox } = desk(() => Promise.resolve([counted('checkout'), counted('apiserver-probe')]));
    await one.measure(request);
    const told = outbox.takeCounted() as Extract<AgentReport, { kind: 'samples' }>;
    expect(told.samples.slis).toEqual([{ name: 'checkout', series: counted('checkout').after }]);
    expect(told.samples).toMatchObject({ planDigest: 'd', from: 0, periodMs: 60_000 });
    expect(outbox.takeCounted()).toBeNull();
    // It may be lost: nothing durable waits for it.
    expect(outbox.next()).toBeNull();
  });

  it.each([
    ['a plan that cannot be read', { ...request, plan: '{' }],
    ['periods that the plan does not have', { ...request, periodMs: 30_000 }],
    ['more than a day of periods', { ...request, until: 1_000 * 60_000 }],
    ['no period', { ...request, until: 0 }],
  ])('%s → nothing is asked of the source, and it says so', async (_, wrong) => {
    let asked = 0;
    const samples = () => Promise.resolve([counted(`checkout-${(asked += 1)}`)]);
    const { desk: one, outbox, said } = desk(samples);
    await one.measure(wrong);
    expect([asked, outbox.takeCounted(), said]).toEqual([0, null, ['nothing counted for others']]);
  });

  it('asked again while the source has not answered → one question at a time', async () => {
    let asked = 0;
    let answer: (found: readonly SliSamples[]) => void = () => undefined;
    const { desk: one } = desk(() => {
      asked += 1;
      return new Promise((resolve) => (answer = resolve));
    });
    const first = one.measure(request);
    await one.measure(request);
    answer([counted('checkout')]);
    await first;
    expect(asked).toBe(1);
  });

  it('what peers did belongs to one order and one moment of change', () => {
    const { desk: one } = desk(() => Promise.resolve([]));
    one.take({ orderId: 'o', from: 5, baselineUntil: 0, periodMs: 60_000, peers: [] });
    expect(one.controlsFor('o', 5)?.orderId).toBe('o');
    expect(one.controlsFor('o', 6)).toBeNull();
    expect(one.controlsFor('other', 5)).toBeNull();
  });
});
