import { CancelSource } from '@wavegate/runtime/agent';

/** How long the agent may take to reach a safe point: less than the 30 s that Kubernetes gives a pod. */
const SAFE_POINT_MS = 20_000;

/**
 * SIGTERM and SIGINT ask for a stop at the next safe point. Past the bound, or at a second signal, the process ends
 * where it stands: the journal makes that safe, only less tidy.
 */
export function stopOnSignals(): CancelSource {
  const stop = new CancelSource();
  const onSignal = (): void => {
    if (stop.cancelled) process.exit(1);
    setTimeout(() => process.exit(1), SAFE_POINT_MS).unref();
    stop.cancel();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return stop;
}
