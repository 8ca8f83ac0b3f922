import { describe, expect, it } from '@jest/globals';
import { fakeWorld, type Sent } from '../testing/fake-world.js';
import { ago } from '../testing/sample-rollout.js';

const event = (seq: number) => ({
  ...{ seq, at: ago(1), actor: 'ada', action: 'command.paused', object: 'rollout/7f3c01aa', detail: {} },
});

function streamed(...seqs: readonly number[]): Response {
  const text = seqs.map((seq) => `id: ${seq}\nevent: x\ndata: ${JSON.stringify(event(seq))}\n\n`).join('');
  return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
}

describe('events -f', () => {
  it('the hub ends the stream or goes away → resumed after the last event seen, none twice, none missing', async () => {
    const streams: ((sent: Sent) => Response)[] = [
      () => streamed(3, 4),
      () => {
        throw new TypeError('fetch failed', { cause: new Error('refused') });
      },
      () => streamed(5),
    ];
    const resumedAfter: (string | null)[] = [];
    const world = fakeWorld({
      answers: {
        'GET /events': () => ({ items: [event(1), event(2)], nextCursor: null }),
        'GET /events/stream': (sent) => {
          resumedAfter.push(sent.lastEventId);
          return streams.shift()?.(sent) ?? streamed();
        },
      },
      onSleep: (self) => streams.length === 0 && self.interrupt(),
    });
    const { code, out, err } = await world.run('events', '-f', '-o', 'json', '--object', 'rollout/7f3c01aa');
    const seqs = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(seqs).toEqual([1, 2, 3, 4, 5]);
    expect(resumedAfter).toEqual(['2', '4', '4']);
    expect(err).toBe('The hub at http://hub.test does not answer: refused\n');
    expect(code).toBe(130);
  });
});
