import { openKube, toKubeError, type KubeAccess } from '@wavegate/kube';
import { Option, type Command } from 'commander';
import { EXIT, ProgramFailure } from '../program-failure.js';

/** Which cluster a verb means: options of every verb that works without a hub. */
export interface KubeOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** Adds --kubeconfig and --context to a verb. */
export function kubeOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--kubeconfig <file>', 'kubeconfig to use (default: $KUBECONFIG, then ~/.kube/config)').env(
        'WAVEGATE_KUBECONFIG',
      ),
    )
    .addOption(
      new Option('--context <name>', 'context of the kubeconfig (default: its current one)').env('WAVEGATE_CONTEXT'),
    );
}

/**
 * Opens the cluster and asks it for its version, so that a verb fails at once and with one line: exit code 2 where
 * the kubeconfig does not say where to go, 4 where nobody answers there or the credentials are refused.
 */
export async function openVerbKube(options: KubeOptions): Promise<KubeAccess> {
  const kube = configured(options);
  try {
    await kube.version.getCode();
    return kube;
  } catch (error) {
    throw new ProgramFailure(whyNot(kube, error), EXIT.unreachable);
  }
}

function configured({ kubeconfig, context }: KubeOptions): KubeAccess {
  try {
    return openKube({ ...(kubeconfig ? { kubeconfig } : {}), ...(context ? { context } : {}) });
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const what = missing ? `--kubeconfig ${kubeconfig}: no such file` : messageOf(error);
    throw new ProgramFailure(what, EXIT.usage);
  }
}

function whyNot(kube: KubeAccess, error: unknown): string {
  const at = `${kube.config.getCurrentContext()} (${kube.config.getCurrentCluster()?.server ?? ''})`;
  const { code, message } = toKubeError(error);
  if (code === 401) return `${at}: the API server does not accept the credentials of this context (401)`;
  return code === 0 ? `${at} does not answer: ${causeOf(error)}` : `${at} answers ${code}: ${message}`;
}

/** undici says "fetch failed" and keeps the cause one floor below. */
function causeOf(error: unknown): string {
  const { cause } = error as { readonly cause?: { readonly code?: string; readonly message?: string } };
  return cause?.code ?? cause?.message ?? messageOf(error);
}

/**
 * What went wrong with a question in the middle of a verb: a refusal of the API server in its own words, or that it is
 * away. What nobody foresaw stays as it is, and keeps its stack.
 */
export function inOneLine(error: unknown): unknown {
  const { code, message } = toKubeError(error);
  if (code > 0) return new ProgramFailure(`the API server refuses: ${code} ${message}`, EXIT.failure);
  if (!isNoAnswer(error)) return error;
  const meanwhile = 'a single control plane is away for a minute or two while it restarts; then ask again';
  return new ProgramFailure(
    `the API server does not answer any more: ${causeOf(error)} (${meanwhile})`,
    EXIT.unreachable,
  );
}

/** A connection that was refused, cut or never answered: undici's, or a time limit's. */
function isNoAnswer(error: unknown): boolean {
  const { code, name, cause } = (error ?? {}) as {
    readonly code?: unknown;
    readonly name?: unknown;
    readonly cause?: unknown;
  };
  const cut = typeof code === 'string' && /^(E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_)|UND_ERR_)/.test(code);
  return cut || name === 'TimeoutError' || (name === 'TypeError' && isNoAnswer(cause));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
