import type { Plan } from '@wavegate/fleet';
import {
  checkObjectives,
  ClusterUnreachable,
  drainPreview,
  runChecks,
  summaryOf,
  takePicture,
  type ClusterFinding,
  type DrainPreviewRow,
  type PictureSummary,
  type PreflightContext,
} from '@wavegate/kube';
import { EXIT, ProgramFailure } from '../program-failure.js';
import { openVerbKube, type KubeOptions } from './verb-kube.js';

/** One cluster as a person asked about it; or why it could not be looked at. */
export type PreflightLook =
  | {
      readonly kind: 'seen';
      readonly cluster: string;
      readonly version: string;
      readonly controlPlanes: number;
      readonly workers: number;
      readonly pods: number;
      readonly findings: readonly ClusterFinding[];
      readonly drain: readonly DrainPreviewRow[];
      readonly summary: PictureSummary;
      readonly tookMs: number;
    }
  | { readonly kind: 'unreachable'; readonly cluster: string; readonly why: string };

export interface PreflightAsk {
  readonly options: KubeOptions;
  readonly context: PreflightContext;
  /** Whose objectives are asked for; null: none. */
  readonly plan: Plan | null;
  /** Of the ConfigMap wavegate-metrics. */
  readonly namespace: string;
  /** What was read last, for the live line. */
  readonly say: (cluster: string, path: string) => void;
}

/** Reads one cluster and judges it. Rejects only for what is wrong with the command itself. */
export async function lookAt({ options, context, say, plan, namespace }: PreflightAsk): Promise<PreflightLook> {
  const startedAt = Date.now();
  let cluster = options.context ?? '';
  try {
    const kube = await openVerbKube(options);
    cluster = kube.config.getCurrentContext();
    const picture = await takePicture({ kube, now: () => Date.now(), say: (path) => say(cluster, path) }, context);
    const now = (): number => Date.now();
    const asked = plan && context.phase === 'before';
    if (asked) say(cluster, 'the objectives of the plan');
    const levels = asked ? await checkObjectives({ kube, namespace, now }, plan, context.target) : null;
    const planes = picture.nodes.filter(({ role }) => role === 'controlPlane').length;
    return {
      kind: 'seen',
      cluster,
      version: picture.version,
      controlPlanes: planes,
      workers: picture.nodes.length - planes,
      pods: picture.pods.length,
      findings: runChecks(picture, levels ? { ...context, serviceLevels: levels } : context),
      drain: drainPreview(picture),
      summary: summaryOf(picture),
      tookMs: Date.now() - startedAt,
    };
  } catch (error) {
    const why = whyUnreachable(error);
    if (why === null) throw error;
    return { kind: 'unreachable', cluster, why };
  }
}

function whyUnreachable(error: unknown): string | null {
  if (error instanceof ClusterUnreachable) return error.message;
  return error instanceof ProgramFailure && error.exitCode === EXIT.unreachable ? error.message : null;
}
