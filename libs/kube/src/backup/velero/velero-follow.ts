import { reason, type Reason } from '@wavegate/fleet';
import { StepInterrupted } from '@wavegate/runtime/agent';
import { isPassing, toKubeError } from '../../kube-error.js';
import { spanText } from '../../go-duration.js';
import { API_PATIENCE_MS, VeleroFailure, type VeleroMeans, type VeleroWatcher } from './velero-means.js';
import { runState, veleroPath, type RunState, type RunStatus, type StorageLocation } from './velero-objects.js';
import { patienceOf, readLocation } from './velero-site.js';

/**
 * States of a Backup or Restore, in the order in which they come; Velero alone writes them.
 *
 * | phase | |
 * |---|---|
 * | '' · New · Queued · ReadyToStart | nobody, or an older backup's server, has it in hand |
 * | InProgress · WaitingForPluginOperations[PartiallyFailed] · Finalizing[PartiallyFailed] | it runs |
 * | Completed | the only good end |
 * | PartiallyFailed · Failed · FailedValidation | ended, and not a success |
 * | Deleting | somebody removes it: it is no backup any more |
 */
const ENDED = new Set(['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation', 'Deleting']);
const POLL_MS = 1_000;
/** The server's heartbeat is asked for less often than the phase. */
const HEARTBEAT_EVERY = 5;
/** Neither phase nor count of items moved for so long: volumes are counted as items, too. */
const STALLED_MS = 30 * 60_000;

export interface FollowRequest {
  readonly plural: 'backups' | 'restores';
  readonly namespace: string;
  readonly name: string;
  /** The backup, as the screens name what is waited for. */
  readonly backup: string;
  readonly location: StorageLocation | null;
  /** From now on, in ms. */
  readonly timeoutMs: number;
  readonly watcher: VeleroWatcher;
}

export interface Followed {
  readonly status?: RunStatus;
}

/**
 * Waits until Velero has ended the object, and returns it. The wait is bounded thrice: by the request, by a server that
 * falls silent (its heartbeat is the validation of its location), and by standing still. Throws VeleroFailure where a
 * bound is met, StepInterrupted when the agent stops, the API's own error when the API server stays away.
 */
export async function followRun<T extends Followed>(means: VeleroMeans, request: FollowRequest): Promise<T> {
  const { clock } = means;
  const progress = new Progress(request, clock.now());
  const heartbeat = new Heartbeat(request.location, clock.now());
  let answeredAt = clock.now();
  for (let pass = 1; ; pass += 1) {
    try {
      const object = await means.api.get<T>(veleroPath(request.namespace, request.plural, request.name));
      answeredAt = clock.now();
      const state = runState(object);
      if (ENDED.has(state.phase)) return object;
      progress.see(state, answeredAt);
      if (pass % HEARTBEAT_EVERY === 0) await heartbeat.ask(means, progress.text);
    } catch (error) {
      passOver(error, request, clock.now() - answeredAt);
    }
    progress.bound(clock.now());
    await clock.sleep(POLL_MS, request.watcher.cancel);
    if (request.watcher.cancel.cancelled) throw new StepInterrupted('the agent is stopping');
  }
}

/** Returns where asking again is right; throws otherwise. */
function passOver(error: unknown, { plural, name }: FollowRequest, awayMs: number): void {
  if (error instanceof VeleroFailure) throw error;
  const refusal = toKubeError(error);
  if (refusal.code === 404) throw new VeleroFailure(`${kindOf(plural)} ${name} was deleted while it was waited for`);
  if (!isPassing(refusal) || awayMs > API_PATIENCE_MS) throw error;
}

export const kindOf = (plural: 'backups' | 'restores'): string => (plural === 'backups' ? 'Backup' : 'Restore');

/** What has moved, when, and what the screens were told. */
class Progress {
  private shown = '';
  private movedAt: number;

  constructor(
    private readonly request: FollowRequest,
    private readonly startedAt: number,
  ) {
    this.movedAt = startedAt;
  }

  get text(): string {
    return this.shown || 'New';
  }

  see(state: RunState, now: number): void {
    const text = progressText(state);
    if (text === this.shown) return;
    this.shown = text;
    this.movedAt = now;
    this.request.watcher.report(runningReason(this.request, text));
  }

  bound(now: number): void {
    const { plural, name, timeoutMs } = this.request;
    const what = `${kindOf(plural)} ${name} is still ${this.text}`;
    if (now - this.startedAt > timeoutMs) throw new VeleroFailure(`${what} after ${spanText(timeoutMs)}`);
    if (now - this.movedAt > STALLED_MS) {
      throw new VeleroFailure(`${what}: nothing has moved for ${spanText(STALLED_MS)}; see the Velero server's log`);
    }
  }
}

function progressText({ phase, totalItems, doneItems, queuePosition }: RunState): string {
  if (totalItems > 0) return `${phase}, ${doneItems} of ${totalItems} items`;
  return queuePosition > 0 ? `${phase}, number ${queuePosition} in the queue` : phase;
}

function runningReason({ plural, backup: name }: FollowRequest, phase: string): Reason {
  return reason(plural === 'backups' ? 'velero_backup_running' : 'velero_restore_running', { name, phase });
}

/**
 * Heard whenever the time of the last validation has changed, by our own clock: the cluster's clock may differ. A server
 * that dies leaves its objects InProgress for ever, and nothing else tells.
 */
class Heartbeat {
  private last: string | undefined;
  private heardAt: number;
  private readonly patienceMs: number;

  /** Without a location there is nothing to hear; the other bounds hold. */
  constructor(
    private readonly location: StorageLocation | null,
    now: number,
  ) {
    this.patienceMs = location ? patienceOf(location) : Infinity;
    this.last = location?.status?.lastValidationTime;
    this.heardAt = now;
  }

  async ask(means: VeleroMeans, state: string): Promise<void> {
    if (!this.location || this.patienceMs === Infinity) return;
    const { status } = await readLocation(means.api, this.location);
    const now = means.clock.now();
    if (status?.lastValidationTime !== this.last) this.heardAt = now;
    this.last = status?.lastValidationTime;
    if (now - this.heardAt <= this.patienceMs) return;
    const silent = `the Velero server has not been heard for ${spanText(now - this.heardAt)}`;
    throw new VeleroFailure(`${silent} (it validates its storage location no more); left at: ${state}`);
  }
}
