import fc from 'fast-check';
import type {
  Controls,
  GaugeSamples,
  HardGate,
  JudgedSamples,
  MeasuredSamples,
  MeasureRequest,
  SliSamples,
} from '@wavegate/fleet';

/** What the samples' words are made of. */
interface Words {
  readonly name: fc.Arbitrary<string>;
  readonly text: fc.Arbitrary<string>;
  readonly at: fc.Arbitrary<number>;
  readonly count: fc.Arbitrary<number>;
  readonly reasons: fc.Arbitrary<HardGate['reason']>;
}

const amount = fc.double({ min: 0, max: 1e9, noNaN: true }).map((value) => value + 0);
/** A temperature may be below zero; -0 is no other number. */
const levels = fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)), {
  maxLength: 4,
});
const series = fc.array(fc.option(fc.tuple(amount, amount)), { maxLength: 4 });

export function arbitrarySamples({ name, text, at, count, reasons }: Words) {
  const slis: fc.Arbitrary<SliSamples> = fc.record(
    {
      ...{ name, objective: amount, decisive: fc.boolean(), baseline: series, after: series },
      controls: fc.array(fc.record({ baseline: series, after: series }), { minLength: 1, maxLength: 2 }),
      queries: fc.record({ bad: text, total: text }),
    },
    { requiredKeys: ['name', 'objective', 'decisive', 'baseline', 'after'] },
  );
  const gauges: fc.Arbitrary<GaugeSamples> = fc.record(
    { name, baseline: levels, after: levels, perPeriod: fc.integer({ min: 1, max: 20 }), query: text },
    { requiredKeys: ['name', 'baseline', 'after'] },
  );
  const gates = fc.record({ name: text, violated: fc.boolean(), reason: reasons });
  const judged: fc.Arbitrary<JudgedSamples> = fc.record(
    {
      ...{ from: at, baselineUntil: at, periodMs: count, slis: fc.array(slis, { maxLength: 2 }), dropped: count },
      disruptionSeconds: fc.array(fc.option(amount), { minLength: 1, maxLength: 4 }),
      gauges: fc.array(gauges, { minLength: 1, maxLength: 2 }),
      given: fc.record({
        ...{ elapsedMs: at, gates: fc.array(gates, { maxLength: 2 }), samplesHash: text },
        objectives: fc.array(text, { maxLength: 2 }),
      }),
    },
    { requiredKeys: ['from', 'baselineUntil', 'periodMs', 'slis', 'dropped'] },
  );
  const counted = fc.array(fc.record({ name: text, series }), { maxLength: 2 });
  const measured: fc.Arbitrary<MeasuredSamples> = fc.record({
    ...{ planDigest: name, from: at, periodMs: count, slis: counted },
  });
  const request: fc.Arbitrary<MeasureRequest> = fc.record({
    ...{ plan: text, planDigest: name, from: at, until: at, periodMs: count },
  });
  const peer = fc.record({
    cluster: text,
    slis: fc.array(fc.record({ name: text, baseline: series, after: series }), { maxLength: 2 }),
  });
  const controls: fc.Arbitrary<Controls> = fc.record({
    ...{ orderId: name, from: at, baselineUntil: at, periodMs: count, peers: fc.array(peer, { maxLength: 3 }) },
  });
  return { judged, measured, request, controls };
}
