import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  Controls,
  ControlSamples,
  GaugeSamples,
  HardGate,
  JudgedSamples,
  JudgedWith,
  MeasuredSamples,
  MeasureRequest,
  Series,
  SliSamples,
} from '@wavegate/fleet';
import type {
  Controls as WireControls,
  ControlsSchema,
  GaugeSamples as WireGauge,
  JudgedSamples as WireJudged,
  JudgedSamplesSchema,
  JudgedWith as WireGiven,
  Measure,
  MeasuredSamples as WireMeasured,
  MeasuredSamplesSchema,
  MeasureSchema,
  SampleSeries,
  SampleSeriesSchema,
  SliSamples as WireSli,
} from './gen/wavegate/agent/v1/gateway_pb.js';
import { fromWireReason, toWireReason } from './reason-mapper.js';
import { malformed } from './wire-problem.js';
import { present, required, safeNumber, wireInteger } from './wire-values.js';

/** What stands for "no sample" and "the probe did not look": counts and seconds are never negative. */
const NONE = -1;

function toWireSeries(series: Series): MessageInitShape<typeof SampleSeriesSchema> {
  return { bad: series.map((one) => one?.[0] ?? NONE), total: series.map((one) => one?.[1] ?? NONE) };
}

function fromWireSeries(wire: SampleSeries | undefined): Series {
  const { bad, total } = wire ?? { bad: [], total: [] };
  if (bad.length !== total.length) throw malformed(`samples of ${bad.length} bad and ${total.length} total periods`);
  return total.map((all, at): readonly [number, number] | null => (all < 0 ? null : [bad[at] ?? 0, all]));
}

export function toWireJudged(samples: JudgedSamples): MessageInitShape<typeof JudgedSamplesSchema> {
  return {
    fromUnixMs: wireInteger(samples.from),
    baselineUntilUnixMs: wireInteger(samples.baselineUntil),
    periodMs: samples.periodMs,
    slis: samples.slis.map(toWireSli),
    disruptionSeconds: (samples.disruptionSeconds ?? []).map((seconds) => seconds ?? NONE),
    dropped: samples.dropped,
    gauges: (samples.gauges ?? []).map(toWireGauge),
    ...(samples.given && { given: toWireGiven(samples.given) }),
  };
}

export function fromWireJudged(wire: WireJudged): JudgedSamples {
  const seen = wire.disruptionSeconds.map((seconds) => (seconds < 0 ? null : seconds));
  return {
    from: safeNumber(wire.fromUnixMs, 'samples.from'),
    baselineUntil: safeNumber(wire.baselineUntilUnixMs, 'samples.baseline_until'),
    periodMs: wire.periodMs,
    slis: wire.slis.map(fromWireSli),
    ...(seen.length > 0 && { disruptionSeconds: seen }),
    dropped: wire.dropped,
    ...(wire.gauges.length > 0 && { gauges: wire.gauges.map(fromWireGauge) }),
    ...(wire.given && { given: fromWireGiven(wire.given) }),
  };
}

function toWireGauge({ name, perPeriod, baseline, after, query }: GaugeSamples) {
  // A gauge may be below zero: what is no number stands for "no sample".
  const numbers = (levels: GaugeSamples['after']): number[] => levels.map((level) => level ?? Number.NaN);
  const more = { ...(perPeriod !== undefined && { perPeriod }), ...(query !== undefined && { query }) };
  return { name, baseline: numbers(baseline), after: numbers(after), ...more };
}

function fromWireGauge({ name, perPeriod, baseline, after, query }: WireGauge): GaugeSamples {
  const levels = (numbers: readonly number[]): GaugeSamples['after'] =>
    numbers.map((level) => (Number.isFinite(level) ? level : null));
  return {
    ...{ name: present(name, 'gauge.name'), baseline: levels(baseline), after: levels(after) },
    ...(perPeriod > 0 && { perPeriod }),
    ...(query !== undefined && { query }),
  };
}

function toWireGiven({ elapsedMs, gates, objectives, samplesHash }: JudgedWith) {
  const told = gates.map(({ name, violated, reason }) => ({ name, violated, reason: toWireReason(reason) }));
  return { elapsedMs: wireInteger(elapsedMs), gates: told, objectives: [...objectives], samplesHash };
}

function fromWireGiven({ elapsedMs, gates, objectives, samplesHash }: WireGiven): JudgedWith {
  const told = gates.map(({ name, violated, reason }): HardGate => ({
    ...{ name, violated, reason: fromWireReason(required(reason, 'gate.reason')) },
  }));
  return { elapsedMs: safeNumber(elapsedMs, 'samples.elapsed'), gates: told, objectives, samplesHash };
}

function toWireSli({ name, objective, decisive, baseline, after, controls, weeks, queries, causes }: SliSamples) {
  return {
    ...{ name, objective, decisive, baseline: toWireSeries(baseline), after: toWireSeries(after) },
    controls: (controls ?? []).map(toWireBeside),
    weeks: (weeks ?? []).map(toWireBeside),
    ...(queries && { queries: { ...queries } }),
    causes: { ...causes },
  };
}

const toWireBeside = ({ baseline, after }: ControlSamples) => ({
  ...{ baseline: toWireSeries(baseline), after: toWireSeries(after) },
});

const fromWireBeside = ({ baseline, after }: WireSli['controls'][number]): ControlSamples => ({
  ...{ baseline: fromWireSeries(baseline), after: fromWireSeries(after) },
});

function fromWireSli(sli: WireSli): SliSamples {
  const { name, objective, decisive, baseline, after, queries, causes } = sli;
  const weeks = sli.weeks.map(fromWireBeside);
  const peers = sli.controls.map(fromWireBeside);
  return {
    ...{ name: present(name, 'sli.name'), objective, decisive },
    ...{ baseline: fromWireSeries(baseline), after: fromWireSeries(after) },
    ...(peers.length > 0 && { controls: peers }),
    ...(weeks.length > 0 && { weeks }),
    ...(queries && { queries: { bad: queries.bad, total: queries.total } }),
    ...(Object.keys(causes).length > 0 && { causes: { ...causes } }),
  };
}

export function toWireMeasure(request: MeasureRequest): MessageInitShape<typeof MeasureSchema> {
  return {
    plan: new TextEncoder().encode(request.plan),
    planDigest: request.planDigest,
    fromUnixMs: wireInteger(request.from),
    untilUnixMs: wireInteger(request.until),
    periodMs: request.periodMs,
  };
}

export function fromWireMeasure(wire: Measure): MeasureRequest {
  return {
    plan: new TextDecoder().decode(wire.plan),
    planDigest: present(wire.planDigest, 'measure.plan_digest'),
    from: safeNumber(wire.fromUnixMs, 'measure.from'),
    until: safeNumber(wire.untilUnixMs, 'measure.until'),
    periodMs: wire.periodMs,
  };
}

export function toWireMeasured(samples: MeasuredSamples): MessageInitShape<typeof MeasuredSamplesSchema> {
  const { planDigest, from, periodMs, slis } = samples;
  const counted = slis.map(({ name, series }) => ({ name, series: toWireSeries(series) }));
  return { planDigest, fromUnixMs: wireInteger(from), periodMs, slis: counted };
}

export function fromWireMeasured(wire: WireMeasured): MeasuredSamples {
  return {
    planDigest: present(wire.planDigest, 'samples.plan_digest'),
    from: safeNumber(wire.fromUnixMs, 'samples.from'),
    periodMs: wire.periodMs,
    slis: wire.slis.map(({ name, series }) => ({ name, series: fromWireSeries(series) })),
  };
}

export function toWireControls(controls: Controls): MessageInitShape<typeof ControlsSchema> {
  return {
    orderId: controls.orderId,
    fromUnixMs: wireInteger(controls.from),
    baselineUntilUnixMs: wireInteger(controls.baselineUntil),
    periodMs: controls.periodMs,
    peers: controls.peers.map(({ cluster, slis }) => ({
      cluster,
      slis: slis.map(({ name, baseline, after }) => ({
        ...{ name, baseline: toWireSeries(baseline), after: toWireSeries(after) },
      })),
    })),
  };
}

export function fromWireControls(wire: WireControls): Controls {
  return {
    orderId: present(wire.orderId, 'controls.order_id'),
    from: safeNumber(wire.fromUnixMs, 'controls.from'),
    baselineUntil: safeNumber(wire.baselineUntilUnixMs, 'controls.baseline_until'),
    periodMs: wire.periodMs,
    peers: wire.peers.map(({ cluster, slis }) => ({
      cluster,
      slis: slis.map(({ name, baseline, after }) => ({
        ...{ name, baseline: fromWireSeries(baseline), after: fromWireSeries(after) },
      })),
    })),
  };
}
