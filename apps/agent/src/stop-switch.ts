import type { Cancel } from '@wavegate/runtime/agent';

/** A Cancel that somebody can set: by a signal of the operating system, or for one agent among several in a process. */
export class StopSwitch implements Cancel {
  private readonly acts = new Set<() => void>();
  private isOn = false;

  get cancelled(): boolean {
    return this.isOn;
  }

  onCancel(act: () => void): () => void {
    if (this.isOn) {
      act();
      return () => undefined;
    }
    this.acts.add(act);
    return () => this.acts.delete(act);
  }

  stop(): void {
    if (this.isOn) return;
    this.isOn = true;
    for (const act of [...this.acts]) act();
    this.acts.clear();
  }
}

/** How long the agent may take to reach a safe point: less than the 30 s that Kubernetes gives a pod. */
const SAFE_POINT_MS = 20_000;

/**
 * SIGTERM and SIGINT ask for a stop at the next safe point. Past the bound, or at a second signal, the process ends
 * where it stands: the journal makes that safe, only less tidy.
 */
export function stopOnSignals(): StopSwitch {
  const stop = new StopSwitch();
  const onSignal = (): void => {
    if (stop.cancelled) process.exit(1);
    setTimeout(() => process.exit(1), SAFE_POINT_MS).unref();
    stop.stop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return stop;
}
