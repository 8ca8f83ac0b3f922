import { ListWatch, Watch, type KubernetesListObject, type KubernetesObject } from '@kubernetes/client-node';
import type { KubeAccess } from './kube-access.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

export interface InformerRequest<T extends KubernetesObject> {
  readonly kube: KubeAccess;
  readonly path: string;
  readonly list: () => Promise<KubernetesListObject<T>>;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly seen: (object: T, how: 'add' | 'update' | 'delete') => void;
  /** The watch broke, or stands again: what was missed meanwhile is told by `seen` afterwards. */
  readonly disturbed?: () => void;
}

/**
 * The client's informer ends for good at the first error, and an abort by `stop` counts as one: a naive restart on
 * error brings a stopped informer back to life. This one restarts with growing pauses until it is stopped, and never
 * after.
 */
export class SteadyInformer<T extends KubernetesObject> {
  private readonly informer: ListWatch<T>;
  private timer: NodeJS.Timeout | null = null;
  private pauseMs = FIRST_PAUSE_MS;
  private stopped = false;

  constructor(private readonly request: InformerRequest<T>) {
    const { kube, path, list, labelSelector, fieldSelector, seen, disturbed } = request;
    this.informer = new ListWatch<T>(path, new Watch(kube.config), list, false, labelSelector, fieldSelector);
    for (const how of ['add', 'update', 'delete'] as const) {
      this.informer.on(how, (object) => {
        this.pauseMs = FIRST_PAUSE_MS;
        if (!this.stopped) seen(object, how);
      });
    }
    this.informer.on('connect', () => disturbed?.());
    this.informer.on('error', () => this.restartLater());
  }

  /** Resolves after the first list (or its failure: then it goes on trying by itself). */
  async start(): Promise<void> {
    await this.informer.start();
    // Stopped while it listed: the client begins its watch all the same.
    if (this.stopped) await this.informer.stop();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    await this.informer.stop();
  }

  private restartLater(): void {
    if (this.stopped || this.timer) return;
    this.request.disturbed?.();
    this.timer = setTimeout(() => {
      this.timer = null;
      this.start().catch(() => this.restartLater());
    }, this.pauseMs);
    this.timer.unref();
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, this.pauseMs * 2);
  }
}
