import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IncomingSequence, OutgoingWindow } from './window.js';
import { WireProblem } from './wire-problem.js';

function recording(size: number, accepts: () => boolean = () => true) {
  const written: [number, string][] = [];
  const window = new OutgoingWindow<string>((seq, body) => {
    written.push([seq, body]);
    return accepts();
  }, size);
  return { window, written };
}

describe('what is sent', () => {
  it('a full window → the next message waits for an acknowledgement', async () => {
    const { window, written } = recording(2);
    const third = [window.send('a'), window.send('b'), window.send('c')][2];
    expect(written).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(window.hasRoom).toBe(false);
    window.acknowledged(1);
    expect(await third).toBe(3);
    expect(written.at(-1)).toEqual([3, 'c']);
  });

  it('a full transport → nothing is written until it drained', () => {
    const { window, written } = recording(10, () => false);
    void window.send('a');
    void window.send('b');
    expect(written).toHaveLength(1);
    expect(window.waiting).toBe(1);
    window.drained();
    expect(written).toHaveLength(2);
  });

  it('an acknowledgement settles everything up to it', async () => {
    const { window } = recording(10);
    await Promise.all([window.send('a'), window.send('b')]);
    const settled = Promise.all([window.settled(1), window.settled(2)]);
    window.acknowledged(2);
    await settled;
    await window.settled(1);
    expect(window.unacknowledged).toBe(0);
  });

  it('the stream ends → whoever waited is told, written or not', async () => {
    const { window } = recording(1);
    await window.send('a');
    const pending = [window.settled(1), window.send('b').then(() => undefined)];
    window.close(new Error('over'));
    for (const one of pending) await expect(one).rejects.toThrow('over');
    await expect(window.send('c')).rejects.toThrow('over');
  });

  it('an acknowledgement of what was never sent is refused', () => {
    const { window } = recording(1);
    expect(() => window.acknowledged(1)).toThrow(WireProblem);
  });

  it('never more than the window is unacknowledged, and nothing is lost or reordered', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.constantFrom('send', 'ack', 'drain')), (size, acts) => {
        let fill = 0;
        const { window, written } = recording(size, () => ++fill % 3 !== 0);
        let sent = 0;
        for (const act of acts) {
          if (act === 'send') void window.send(String((sent += 1)));
          if (act === 'ack') window.acknowledged(written.length);
          if (act === 'drain') window.drained();
          expect(window.unacknowledged).toBeLessThanOrEqual(size);
        }
        for (let i = 0; i < sent; i += 1) {
          window.drained();
          window.acknowledged(written.length);
        }
        expect(written).toEqual(Array.from({ length: sent }, (_, i) => [i + 1, String(i + 1)]));
      }),
    );
  });
});

describe('what is received', () => {
  it('taken out of order → acknowledged only as far as nothing is missing', () => {
    const incoming = new IncomingSequence(10);
    for (const seq of [1, 2, 3]) incoming.received(seq);
    incoming.taken(3);
    incoming.taken(1);
    expect(incoming.ack).toBe(1);
    incoming.taken(2);
    expect(incoming.ack).toBe(3);
  });

  it('a gap, a repetition, or more than the window → refused', () => {
    const incoming = new IncomingSequence(2);
    expect(() => incoming.received(2)).toThrow(WireProblem);
    incoming.received(1);
    expect(() => incoming.received(1)).toThrow(WireProblem);
    incoming.received(2);
    expect(() => incoming.received(3)).toThrow(WireProblem);
    incoming.taken(1);
    incoming.received(3);
    expect(incoming.untaken).toBe(2);
  });
});
