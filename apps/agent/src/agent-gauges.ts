/** What the agent says about itself to probes and to Prometheus. */
export class AgentGauges {
  enrolled = false;
  connected = false;
  /** Another agent of this cluster works; this one waits for its lease. */
  standingBy = false;
  /** How far the hub's clock was ahead of ours at the newest welcome, ms; null before the first. */
  hubAheadMs: number | null = null;
  /** Seconds in which the API server did not answer each of our own requests. */
  disruptionSeconds: () => number = () => 0;
  readonly startedAt = Date.now();
  private readonly counts = new Map<string, number>();

  count(name: 'streams_opened' | 'streams_refused'): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** Text exposition format. Few enough series that a client library would be most of their cost. */
  page(): string {
    const rows: readonly (readonly [string, 'gauge' | 'counter', string, number])[] = [
      ['enrolled', 'gauge', '1 when this agent holds an identity', Number(this.enrolled)],
      ['connected', 'gauge', '1 while a stream to the hub is open', Number(this.connected)],
      ['standing_by', 'gauge', '1 while another agent of this cluster holds the lease', Number(this.standingBy)],
      ['streams_opened_total', 'counter', 'streams opened to the hub', this.counts.get('streams_opened') ?? 0],
      ['streams_refused_total', 'counter', 'attempts that gave no stream', this.counts.get('streams_refused') ?? 0],
      [
        'api_disruption_seconds_total',
        'counter',
        'seconds in which the API server left a probe unanswered',
        this.disruptionSeconds(),
      ],
      ['resident_memory_bytes', 'gauge', 'resident memory of the process', process.memoryUsage.rss()],
      ['start_time_seconds', 'gauge', 'start of the process, epoch seconds', this.startedAt / 1000],
    ];
    return rows
      .map(([name, type, help, value]) => {
        const metric = `wavegate_agent_${name}`;
        return `# HELP ${metric} ${help}\n# TYPE ${metric} ${type}\n${metric} ${value}\n`;
      })
      .join('');
  }
}
