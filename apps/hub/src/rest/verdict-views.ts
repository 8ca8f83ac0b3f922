import type { JudgedSamples, Series, SliEvidence, Verdict } from '@wavegate/fleet';
import type { RolloutCluster } from '@wavegate/rollout';
import type { OrderVerdicts } from '@wavegate/storage';
import type { z } from 'zod';
import type { JudgedNowShape } from './judged-shape.js';
import type { ClusterVerdictShape, SliEvidenceShape } from './verdict-shapes.js';
import { toReasonView } from './views.js';

type ClusterVerdictView = z.infer<typeof ClusterVerdictShape>;

/** One line per verdict, as the agent reported it; nothing is added up or left out. `base`: where the verdicts are. */
export function toClusterVerdicts(row: RolloutCluster, order: OrderVerdicts, base: string): ClusterVerdictView[] {
  return order.verdicts.map(({ phase, verdict }) => ({
    ...whereKept(`${base}/${row.clusterId}`, phase, order.measured.includes(phase) ? verdict : null),
    cluster: row.clusterName,
    clusterId: row.clusterId,
    wave: row.wave,
    order: order.orderId,
    orderKind: order.kind,
    attempt: order.attempt,
    phase,
    ...toVerdictView(verdict),
  }));
}

function whereKept(base: string, phase: string, verdict: Verdict | null) {
  if (!verdict) return { evidence: null, pictures: [] };
  const query = `?phase=${encodeURIComponent(phase)}`;
  const pictures = verdict.slis.map(({ name }) => `${base}/${encodeURIComponent(name)}.svg${query}`);
  return { evidence: `${base}/evidence${query}`, pictures };
}

export function toJudgedNow({ periodMs, slis, gauges = [] }: JudgedSamples): z.infer<typeof JudgedNowShape> {
  const plain = (series: Series) => series.map((sample) => (sample ? [...sample] : null));
  return {
    periodSeconds: periodMs / 1000,
    slis: slis.map(({ name, decisive, objective, baseline, after }) => ({
      ...{ name, decisive, objective, before: plain(baseline), since: plain(after) },
    })),
    gauges: gauges.map(({ name, baseline, after }) => ({ name, before: [...baseline], since: [...after] })),
  };
}

function toVerdictView({ kind, period, reasons, slis, gauges = [] }: Verdict) {
  return {
    kind,
    period,
    reasons: reasons.map(toReasonView),
    slis: slis.map(toSliView),
    gauges: gauges.map((gauge) => ({ ...gauge, query: gauge.query ?? null })),
  };
}

/** Agents of older releases report no comparison, no queries and no causes of gaps. */
function toSliView({ comparison, queries, causes, ...sli }: SliEvidence): z.infer<typeof SliEvidenceShape> {
  return { ...sli, comparison: comparison ?? null, queries: queries ?? null, causes: { ...causes } };
}
