import { NODE_JOB_NAMESPACE, nodeJob } from '../node-job.js';
import type { NodeJobPicture } from './picture.js';
import { ReadRefused, type RawReader } from './raw-reader.js';

/**
 * Asks the API server itself whether it would take a node Job: a server-side dry run of the one template, past all
 * admission. Quotas, limits and Pod Security judge the Job's *pod*, which we may not create: those are checked from
 * their own objects.
 */
export async function readNodeJob(reader: RawReader, node: string): Promise<NodeJobPicture> {
  const work = { verb: 'kubelet', node, from: '0.0.0', to: '0.0.0', first: false, verify: 'status' } as const;
  const job = nodeJob('wg-preflight-dry-run', 'preflight', work, 'preflight.invalid/node:dry-run');
  const path = `/apis/batch/v1/namespaces/${NODE_JOB_NAMESPACE}/jobs?dryRun=All`;
  const { code, body } = await reader.answer(path, { method: 'POST', body: job });
  // 409: somebody has really made one of this name; admission has passed by then.
  if (code < 300 || code === 409) return { namespaceThere: true, refusal: '' };
  const { message = body, details } = parse(body);
  if (code === 404 && details?.kind === 'namespaces') return { namespaceThere: false, refusal: message };
  if (saysNothingOfTheAgent(code, message)) throw new ReadRefused(path, code, message);
  return { namespaceThere: true, refusal: `${code} ${message}` };
}

/** Whoever looks with a person's kubeconfig may lack the agent's right to make Jobs; and a server may be unwell. */
function saysNothingOfTheAgent(code: number, message: string): boolean {
  if (code >= 500) return !/webhook/.test(message);
  return code === 401 || (code === 403 && /cannot create resource "jobs"/.test(message));
}

interface Status {
  readonly message?: string;
  readonly details?: { readonly kind?: string };
}

function parse(body: string): Status {
  try {
    return JSON.parse(body) as Status;
  } catch {
    return {};
  }
}
