import type { V1Container, V1ContainerStatus, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { Labels } from '@wavegate/fleet';
import { bareVersion, epochMs, imageVersion } from '../node-view.js';
import { controllerOf, fateOf, type DrainConsent } from '../drain/pod-filter.js';
import { defaultSpec } from './preflight-context.js';
import type { Amounts, ComponentPicture, PodPicture, PodShape } from './picture.js';
import { amountsOf } from './quantity.js';
import { idOfSent, int, list, record, text } from './sent.js';

const NO_CONSENT = defaultSpec();
const OWNER_LABELS = ['wavegate.dev/owner', 'owner', 'team'];

/** Whose it is, where a label tells; the pod's own word before its namespace's. */
export function ownerByLabels(...labels: readonly (Labels | undefined)[]): string {
  for (const these of labels) {
    const name = OWNER_LABELS.map((key) => these?.[key]).find((value) => value !== undefined && value !== '');
    if (name !== undefined) return name;
  }
  return '';
}

/**
 * Pods → compact facts. Labels and shapes of pods of one template are the same text and become the same object:
 * 5,000 pods then cost a few megabytes.
 */
export class PodReader {
  private readonly known = new Map<string, unknown>();

  constructor(
    private readonly consent: DrainConsent,
    private readonly namespaceLabels: (namespace: string) => Labels | undefined,
  ) {}

  read(pod: V1Pod): PodPicture {
    const { metadata, spec } = pod;
    const { name, namespace } = idOfSent(pod);
    const labels = this.once(record(metadata?.labels));
    const bare = fateOf(pod, NO_CONSENT.drain);
    return {
      ...{ namespace, name, labels },
      node: text(spec?.nodeName),
      controller: this.once(controllerOf(pod)),
      workload: this.once(workloadOf(pod)),
      owner: ownerByLabels(labels, this.namespaceLabels(namespace)),
      fate: this.once(fateOf(pod, this.consent)),
      loss: bare.kind === 'refused' ? bare.why : null,
      ...healthOf(pod),
      terminatingSince: epochMs(metadata?.deletionTimestamp),
      finalizers: list(metadata?.finalizers),
      claims: list(spec?.volumes).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []),
      shape: this.once(shapeOf(spec)),
      images: this.once(list(spec?.containers).map(({ image }) => text(image))),
      component: componentOf(pod),
    };
  }

  private once<T>(value: T): T {
    const text = JSON.stringify(value);
    const known = this.known.get(text);
    if (known !== undefined) return known as T;
    this.known.set(text, value);
    return value;
  }
}

function healthOf({ status }: V1Pod): Pick<PodPicture, 'phase' | 'ready' | 'restarts' | 'crashLooping'> {
  const states = list(status?.containerStatuses);
  return {
    phase: text(status?.phase),
    ready: list(status?.conditions).some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    restarts: states.reduce((sum, state) => sum + state.restartCount, 0),
    crashLooping: states.some((state) => state.state?.waiting?.reason === 'CrashLoopBackOff'),
  };
}

/** A Deployment's ReplicaSet is named after both: the hash is on the pod, so no ReplicaSet need be read. */
function workloadOf(pod: V1Pod): string {
  const controller = controllerOf(pod);
  if (!controller) return `Pod/${idOfSent(pod).name}`;
  const hash = pod.metadata?.labels?.['pod-template-hash'];
  if (controller.kind === 'ReplicaSet' && hash !== undefined && controller.name.endsWith(`-${hash}`)) {
    return `Deployment/${controller.name.slice(0, -hash.length - 1)}`;
  }
  return `${controller.kind}/${controller.name}`;
}

function shapeOf(spec: V1PodSpec | undefined): PodShape {
  return {
    requests: requestsOf(spec),
    nodeSelector: record(spec?.nodeSelector),
    affinity: spec?.affinity ?? null,
    tolerations: list(spec?.tolerations),
  };
}

/** As the scheduler counts: all containers together, or the largest init container, and the overhead. */
function requestsOf(spec: V1PodSpec | undefined): Amounts {
  const sum: Record<string, number> = {};
  const add = (amounts: Amounts): void => {
    for (const [name, amount] of Object.entries(amounts)) sum[name] = int(sum[name]) + amount;
  };
  const of = (container: V1Container): Amounts => amountsOf(container.resources?.requests);
  const initial = list(spec?.initContainers);
  const beside = initial.filter(({ restartPolicy }) => restartPolicy === 'Always');
  [...list(spec?.containers), ...beside].map(of).forEach(add);
  for (const [name, amount] of initial.flatMap((container) => Object.entries(of(container)))) {
    sum[name] = Math.max(int(sum[name]), amount);
  }
  add(amountsOf(spec?.overhead));
  return sum;
}

function componentOf(pod: V1Pod): ComponentPicture | null {
  const labels = record(pod.metadata?.labels);
  const isStatic = 'kubernetes.io/config.mirror' in record(pod.metadata?.annotations);
  const name = text(labels.component);
  if (!isStatic || labels.tier !== 'control-plane' || name === '') return null;
  const [container] = list(pod.spec?.containers);
  const [state] = list(pod.status?.containerStatuses);
  return {
    name,
    version: imageVersion(pod),
    flags: container ? flagsOf([...list(container.command), ...list(container.args)]) : {},
    startedAt: startOf(state),
  };
}

function startOf(status: V1ContainerStatus | undefined): number {
  return epochMs(status?.state?.running?.startedAt);
}

/** "--a=b" → { a: "b" }; kubeadm writes every flag so. A bare "--a" is "true". */
export function flagsOf(words: readonly string[]): Record<string, string> {
  const flags: Record<string, string> = {};
  for (const word of words) {
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(word);
    if (!match?.[1]) continue;
    const value = match[2] ?? 'true';
    flags[match[1]] = flags[match[1]] === undefined ? value : `${flags[match[1]]},${value}`;
  }
  return flags;
}

/** "registry/coredns/coredns:v1.12.1@sha256:…" → "1.12.1"; '' without a tag. */
export function tagOf(image: string): string {
  const named = image.split('@')[0] ?? '';
  const last = named.split('/').at(-1) ?? '';
  return last.includes(':') ? bareVersion(last.split(':').at(-1)) : '';
}
