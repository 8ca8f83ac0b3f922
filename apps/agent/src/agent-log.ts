import type { Order } from '@wavegate/fleet';
import type { AgentLog, JournalStore } from '@wavegate/runtime/agent';
import { pino, type Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type Fields = Readonly<Record<string, unknown>>;

/** JSON lines on stdout. */
export function openPino(level: LogLevel): Logger {
  return pino({
    level,
    base: { app: 'wavegate-agent' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['token', 'keyPem'],
  });
}

/**
 * The loops name the order a line is about; a person looks for the rollout, the cluster and the attempt. This log
 * knows the orders that the journals hold and adds those words to each line.
 */
export class OrderLog implements AgentLog {
  private readonly orders = new Map<string, Fields>();

  constructor(private readonly pino: Logger) {}

  info(message: string, fields: Fields = {}): void {
    this.pino.info(this.told(fields), message);
  }

  warn(message: string, fields: Fields = {}): void {
    this.pino.warn(this.told(fields), message);
  }

  error(message: string, fields: Fields = {}): void {
    this.pino.error(this.told(fields), message);
  }

  learn({ id, parent, clusterId, attempt }: Order): void {
    this.orders.set(id, { [parent.kind]: parent.id, cluster: clusterId, attempt });
  }

  /** The same store; every order that passes through it is known to this log. */
  learningFrom(store: JournalStore): JournalStore {
    return {
      list: async () => {
        const journals = await store.list();
        for (const { journal } of journals) this.learn(journal.order);
        return journals;
      },
      save: (journal, version) => {
        this.learn(journal.order);
        return store.save(journal, version);
      },
      prune: (keep, spare) => store.prune(keep, spare),
    };
  }

  private told(fields: Fields): Fields {
    return typeof fields.order === 'string' ? { ...this.orders.get(fields.order), ...fields } : fields;
  }
}
