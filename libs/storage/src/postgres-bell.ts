import type { HubLog, WakeBell } from '@wavegate/runtime/hub';
import { InProcessBell } from '@wavegate/runtime/hub';
import pg from 'pg';

const COALESCE_MS = 20;
const RECONNECT_MS = 2_000;

/**
 * Bells that also ring in the other replicas. NOTIFY is a hint and nothing more: it is sent on this connection of its
 * own, outside every transaction that matters (inside one it cost three quarters of the commits per second), coalesced,
 * and when the connection is away nothing is lost but a poll interval.
 */
export class PostgresBell {
  private readonly bells = new Map<string, Set<InProcessBell>>();
  private readonly toNotify = new Set<string>();
  private client: pg.Client | null = null;
  private timer: NodeJS.Timeout | null = null;
  private retry: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly log: HubLog,
  ) {}

  async open(): Promise<void> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'wavegate-bell', keepAlive: true });
    client.on('error', (error) => this.lose(client, error));
    client.on('end', () => this.lose(client, null));
    client.on('notification', ({ payload }) => this.ringHere(payload ?? ''));
    try {
      await client.connect();
      await client.query('LISTEN wavegate');
    } catch (error) {
      return this.lose(client, error);
    }
    if (this.closed) return client.end();
    this.client = client;
    // What was rung while nobody listened.
    for (const topic of this.bells.keys()) this.ringHere(topic);
  }

  /** A bell of this topic; ringing it rings all bells of the topic, here at once and elsewhere soon. */
  bell(topic: string): WakeBell {
    const own = new InProcessBell();
    const known = this.bells.get(topic) ?? new Set();
    this.bells.set(topic, known.add(own));
    return { ring: () => this.ring(topic), next: () => own.next() };
  }

  ring(topic: string): void {
    this.ringHere(topic);
    this.toNotify.add(topic);
    this.timer ??= setTimeout(() => this.notify(), COALESCE_MS).unref();
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    if (this.retry) clearTimeout(this.retry);
    const { client } = this;
    this.client = null;
    await client?.end();
  }

  private ringHere(topic: string): void {
    for (const bell of this.bells.get(topic) ?? []) bell.ring();
  }

  private notify(): void {
    this.timer = null;
    const topics = [...this.toNotify];
    this.toNotify.clear();
    const hint = `SELECT pg_notify('wavegate', topic) FROM unnest($1::text[]) topic`;
    this.client
      ?.query(hint, [topics])
      .catch((error: unknown) => this.log.warn('a bell was not heard elsewhere', { error }));
  }

  private lose(client: pg.Client, error: unknown): void {
    if (this.closed || (this.client !== client && this.client !== null)) return;
    this.client = null;
    if (this.retry) return;
    if (error) this.log.warn('the bell lost its connection; polling goes on', { error });
    client.removeAllListeners('end');
    void client.end().catch(() => undefined);
    this.retry = setTimeout(() => {
      this.retry = null;
      void this.open();
    }, RECONNECT_MS).unref();
  }
}
