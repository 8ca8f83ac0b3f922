import { create } from '@bufbuild/protobuf';
import type { GaugeEvidence, SliComparison, SliEvidence, Verdict } from '@wavegate/fleet';
import {
  VerdictSchema,
  type GaugeEvidence as WireGauge,
  type SliEvidence as WireSli,
  type Verdict as WireVerdict,
} from './gen/wavegate/agent/v1/gateway_pb.js';
import { fromWireReason, toWireReason } from './reason-mapper.js';
import { carried, present, required } from './wire-values.js';

export function toWireVerdict(verdict: Verdict): WireVerdict {
  return create(VerdictSchema, {
    schema: verdict.schema,
    kind: verdict.kind,
    period: verdict.period ?? 0,
    reasons: verdict.reasons.map(toWireReason),
    slis: verdict.slis.map(({ causes, comparison, ...sli }) => ({
      ...{ ...sli, causes: { ...causes } },
      ...(comparison && { comparison: toWireComparison(comparison) }),
    })),
    gauges: (verdict.gauges ?? []).map((gauge) => ({ ...gauge })),
  });
}

/** A kind that this release does not know is carried: it is not `promote`, and only that opens a gate. */
export function fromWireVerdict(wire: WireVerdict | undefined): Verdict {
  const verdict = required(wire, 'verdict');
  return {
    schema: 1,
    kind: carried(present(verdict.kind, 'verdict.kind')),
    period: verdict.period === 0 ? null : verdict.period,
    reasons: verdict.reasons.map(fromWireReason),
    slis: verdict.slis.map(fromWireSli),
    ...(verdict.gauges.length > 0 && { gauges: verdict.gauges.map(fromWireGauge) }),
  };
}

function fromWireSli(sli: WireSli): SliEvidence {
  const { comparison, queries, causes } = sli;
  return {
    name: sli.name,
    decisive: sli.decisive,
    periods: sli.periods,
    bad: sli.bad,
    total: sli.total,
    missing: sli.missing,
    consumed: sli.consumed,
    burn: sli.burn,
    state: carried(sli.state),
    ...(comparison && { comparison: fromWireComparison(comparison) }),
    ...(queries && { queries: { bad: queries.bad, total: queries.total } }),
    ...(Object.keys(causes).length > 0 && { causes: { ...causes } }),
  };
}

function toWireComparison({ week, ...comparison }: SliComparison) {
  return { ...comparison, weeks: week?.weeks ?? 0, weekRise: week?.rise ?? 0 };
}

function fromWireComparison(wire: NonNullable<WireSli['comparison']>): NonNullable<SliEvidence['comparison']> {
  const {
    baselinePeriods,
    before,
    now,
    overdispersion,
    evidence,
    evidenceNeeded,
    atMost,
    allowed,
    peers,
    weeks,
    weekRise,
  } = wire;
  return {
    ...{ baselinePeriods, before, now, overdispersion, evidence, evidenceNeeded, atMost, allowed, peers },
    ...(weeks > 0 && { week: { weeks, rise: weekRise } }),
  };
}

function fromWireGauge({ name, before, now, p, effect, state, query }: WireGauge): GaugeEvidence {
  return { name, before, now, p, effect, state: carried(state), ...(query !== undefined && { query }) };
}
