import { isDurable, type AgentReport, type Progress } from '@wavegate/fleet';

/**
 * What the hub is to be told. Durable reports are kept until the hub has acknowledged them, one per thing they are
 * about (a newer one replaces an older one); of progress only the newest is kept, and it may be lost.
 */
export class ReportOutbox {
  private readonly durable = new Map<string, AgentReport>();
  private newest: Progress | null = null;
  private counted: AgentReport | null = null;
  private ring: () => void = () => {};
  private delivered: (report: AgentReport) => void = () => {};

  /** Called whenever there is something new to send. */
  onPost(ring: () => void): void {
    this.ring = ring;
  }

  /** Called when the hub has committed a durable report. */
  onDelivered(act: (report: AgentReport) => void): void {
    this.delivered = act;
  }

  post(report: AgentReport): void {
    if (!isDurable(report)) throw new RangeError(`post: ${report.kind} is not durable`);
    const key = keyOf(report);
    // Deleted first: a newer one goes to the end, behind what was said before it.
    this.durable.delete(key);
    this.durable.set(key, report);
    this.ring();
  }

  show(progress: Progress): void {
    this.newest = progress;
    this.ring();
  }

  /** Counted for others: only the newest, and it may be lost. */
  offer(report: Extract<AgentReport, { readonly kind: 'samples' }>): void {
    this.counted = report;
    this.ring();
  }

  takeCounted(): AgentReport | null {
    const { counted } = this;
    this.counted = null;
    return counted;
  }

  /** The oldest durable report that is not acknowledged, or null. */
  next(): AgentReport | null {
    return this.durable.values().next().value ?? null;
  }

  /** The newest progress not yet taken, or null. */
  takeProgress(): AgentReport | null {
    const progress = this.newest;
    this.newest = null;
    return progress ? { kind: 'progress', progress } : null;
  }

  get hasProgress(): boolean {
    return this.newest !== null;
  }

  acknowledged(report: AgentReport): void {
    const key = keyOf(report);
    // A newer one may have taken its place while it was on its way.
    if (this.durable.get(key) === report) this.durable.delete(key);
    this.delivered(report);
  }
}

function keyOf(report: AgentReport): string {
  if (report.kind === 'facts') return 'facts';
  if (report.kind === 'progress' || report.kind === 'samples') return report.kind;
  const about = report.kind === 'verdict' ? report.phase : '';
  return [report.kind, report.orderId, about].join('/');
}
