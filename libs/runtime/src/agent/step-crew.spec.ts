import { describe, expect, it } from '@jest/globals';
import type { Order } from '@wavegate/fleet';
import type { Step } from '@wavegate/upgrade';
import type { Driver, StepContext, StepResult } from './ports.js';
import { StepCrew } from './step-crew.js';
import { HandClock } from './testing/hand-clock.js';

const step: Step = { kind: 'drainNode', name: 'drainNode/w-1', node: 'w-1', timeoutMs: 1_000 };

describe('the steps in an agent’s hands', () => {
  it('a step that ended and is not in the journal yet → is not begun a second time', async () => {
    let begun = 0;
    const carryOut = (): Promise<StepResult> => {
      begun += 1;
      return Promise.resolve({ kind: 'succeeded' });
    };
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const ports = {
      clock: new HandClock(),
      random: { next: () => 0.5 },
      driver: { carryOut } as unknown as Driver,
      log,
    };
    let ended = (): void => {};
    const end = new Promise<void>((resolve) => (ended = resolve));
    const crew = new StepCrew(ports, { id: 'order-1' } as Order, () => ended());

    crew.begin([step]);
    await end;
    // The pass that is under way observed before the end, and decides on a journal in which the step is open.
    expect(crew.knows(step)).toBe(true);
    crew.begin([step]);
    expect(begun).toBe(1);

    expect(crew.takeResults()).toEqual([{ name: step.name, evidence: { kind: 'succeeded' } }]);
    crew.begin([step]);
    expect(begun).toBe(2);
  });

  it('a drain says where its pods stand → shown while it is under way, with the bound of the journal, and not after', async () => {
    const counts = { kept: 1, queued: 0, evicting: 0, blocked: 1, terminating: 0, gone: 2 };
    const drain = { node: 'w-1', counts, waits: [] };
    let told: StepContext | null = null;
    let finish = (_result: StepResult): void => {};
    const carryOut = (_step: Step, context: StepContext): Promise<StepResult> => {
      told = context;
      return new Promise((resolve) => (finish = resolve));
    };
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const random = { next: () => 0.5 };
    const ports = { clock: new HandClock(), random, driver: { carryOut } as unknown as Driver, log };
    let moved = 0;
    let ended = (): void => {};
    const end = new Promise<void>((resolve) => (ended = resolve));
    const crew = new StepCrew(
      ports,
      { id: 'order-1' } as Order,
      () => ended(),
      () => (moved += 1),
    );

    crew.begin([step], () => ({ begunAt: 4_711 }));
    expect(told!).toMatchObject({ begunAt: 4_711 });
    told!.reportDrain?.(drain);
    expect([crew.drains(), moved]).toEqual([[drain], 1]);
    finish({ kind: 'succeeded' });
    await end;
    told!.reportDrain?.(drain);
    expect([crew.drains(), moved]).toEqual([[], 1]);
  });
});
