import { create } from '@bufbuild/protobuf';
import type { SliEvidence, Verdict } from '@wavegate/fleet';
import {
  VerdictSchema,
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
    slis: verdict.slis.map((sli) => ({ ...sli })),
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
  };
}

function fromWireSli(sli: WireSli): SliEvidence {
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
  };
}
