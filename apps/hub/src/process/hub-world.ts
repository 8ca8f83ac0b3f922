import type { HubCancel, HubClock, HubLog, HubRandom } from '@wavegate/runtime/hub';
import type { Logger } from 'pino';

/** Real time, real chance, a real end: what the runtime's ports are in production. */

export const systemClock: HubClock = {
  now: () => Date.now(),
  sleep: (ms, bell) => {
    let timer: NodeJS.Timeout | undefined;
    const slept = new Promise<void>((resolve) => {
      // The listeners hold the process; a sleep that outlives its loop must not hold a hub that is closed.
      timer = setTimeout(resolve, ms).unref();
    });
    return (bell ? Promise.race([slept, bell.next()]) : slept).finally(() => clearTimeout(timer));
  },
};

export const systemRandom: HubRandom = { next: () => Math.random() };

export class ProcessCancel implements HubCancel {
  cancelled = false;
  private readonly acts = new Set<() => void>();

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    for (const act of this.acts) act();
  }

  onCancel(act: () => void): () => void {
    if (this.cancelled) act();
    else this.acts.add(act);
    return () => this.acts.delete(act);
  }
}

/** pino takes fields first; the runtime, which knows no logger, says the message first. */
export function toHubLog(log: Logger): HubLog {
  const line =
    (level: 'info' | 'warn' | 'error') =>
    (message: string, { error, ...fields }: Readonly<Record<string, unknown>> = {}): void =>
      log[level](error === undefined ? fields : { ...fields, err: error }, message);
  return { info: line('info'), warn: line('warn'), error: line('error') };
}
