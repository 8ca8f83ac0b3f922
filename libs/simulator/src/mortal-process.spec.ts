import { describe, expect, it } from '@jest/globals';
import { MortalProcess } from './mortal-process.js';

const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function ledger(): { readonly written: string[]; write(line: string): Promise<void> } {
  const written: string[] = [];
  return {
    written,
    write(line: string): Promise<void> {
      written.push(line);
      return Promise.resolve();
    },
  };
}

async function writeThree(port: { write(line: string): Promise<void> }): Promise<void> {
  for (const line of ['one', 'two', 'three']) await port.write(line);
}

describe('MortalProcess', () => {
  it('killed after a call → the effect stays, nothing after it runs', async () => {
    const real = ledger();
    let calls = 0;
    const life = new MortalProcess('agent', { crashesAt: (point) => point === 'ledger.write:after' && ++calls === 2 });
    void writeThree(life.wrap(real, 'ledger'));
    await flush();
    expect(real.written).toEqual(['one', 'two']);
    expect(life.alive).toBe(false);
  });

  it('killed before a call → not even its effect happens', async () => {
    const real = ledger();
    let calls = 0;
    const life = new MortalProcess('agent', { crashesAt: (point) => point === 'ledger.write:before' && ++calls === 2 });
    void writeThree(life.wrap(real, 'ledger'));
    await flush();
    expect(real.written).toEqual(['one']);
  });

  it('paused → goes on where it stood once it proceeds', async () => {
    const real = ledger();
    const life = new MortalProcess('hub');
    life.pause();
    void writeThree(life.wrap(real, 'ledger'));
    await flush();
    expect(real.written).toEqual(['one']);
    life.proceed();
    await flush();
    expect(real.written).toEqual(['one', 'two', 'three']);
  });
});
