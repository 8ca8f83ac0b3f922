import {
  declaredObjectives,
  durationMs,
  isReason,
  readPlanText,
  type Controls,
  type MeasureRequest,
} from '@wavegate/fleet';
import type { AgentLog, Metrics } from './ports.js';
import type { ReportOutbox } from './report-outbox.js';

/** More than ten hours of minutes are never asked for; a request beyond is a mistake, or worse. */
export const MOST_MEASURED_PERIODS = 600;

/** Where a judge finds what peers did meanwhile. */
export interface ControlSource {
  /** Null: nobody has told. */
  controlsFor(orderId: string, from: number): Controls | null;
}

/**
 * The two sides of a comparison with other clusters. While others are judged, this one counts for them what the plan's
 * objectives ask for (one request at a time; the hub asks again). While this one is judged, the others' counts wait here.
 * All of it may be lost: what is not there is not compared with.
 */
export class ControlDesk implements ControlSource {
  private newest: Controls | null = null;
  private measuring = false;

  constructor(
    private readonly metrics: Metrics,
    private readonly outbox: ReportOutbox,
    private readonly log: AgentLog,
  ) {}

  take(controls: Controls): void {
    const { orderId, from, peers } = controls;
    if (!this.controlsFor(orderId, from)) {
      this.log.info('compared with peers', { order: orderId, peers: peers.map(({ cluster }) => cluster).join(', ') });
    }
    this.newest = controls;
  }

  controlsFor(orderId: string, from: number): Controls | null {
    const { newest } = this;
    return newest?.orderId === orderId && newest.from === from ? newest : null;
  }

  /** Never rejects. */
  async measure(request: MeasureRequest): Promise<void> {
    if (this.measuring) return;
    this.measuring = true;
    try {
      await this.count(request);
    } catch (error) {
      this.log.warn('nothing counted for others', { error: String(error) });
    } finally {
      this.measuring = false;
    }
  }

  private async count({ plan: text, planDigest, from, until, periodMs }: MeasureRequest): Promise<void> {
    const plan = readPlanText(text);
    if (isReason(plan)) throw new RangeError(`the plan cannot be read (${plan.code})`);
    const periods = (until - from) / periodMs;
    if (periodMs !== durationMs(plan.spec.verdict.period) || !(periods >= 1 && periods <= MOST_MEASURED_PERIODS)) {
      throw new RangeError(`${periods} periods of ${periodMs} ms are not to be counted`);
    }
    const declared = declaredObjectives(plan);
    const names = declared.map(({ name }) => name);
    const found = await this.metrics.samples({
      ...{ objectives: names, declared, from, until, periodMs, baselinePeriods: 0 },
    });
    const slis = found
      .filter(({ name }) => names.includes(name))
      .map(({ name, after }) => ({ name, series: after.slice(0, periods) }));
    this.outbox.offer({ kind: 'samples', samples: { planDigest, from, periodMs, slis } });
  }
}
