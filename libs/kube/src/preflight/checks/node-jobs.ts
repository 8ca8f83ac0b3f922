import { NODE_JOB_NAMESPACE } from '../../node-job.js';
import { BEFORE, named, type Check, type Found } from '../check.js';
import { quantity } from '../quantity.js';
import type { ClusterPicture } from '../picture.js';

/** Whether the API server would take our node Job, and would let its pod come to be. */
export const nodeJobs: Check = {
  id: 'node-jobs',
  phases: BEFORE,
  needs: ['nodeJob', 'namespaces'],
  wants: { quotas: ['node_job_refused'], limits: ['node_job_refused'] },
  codes: [
    {
      code: 'node_job_namespace_missing',
      title: 'The namespace of the node Jobs is missing',
      meaning: `Wavegate works on hosts by Jobs in the namespace ${NODE_JOB_NAMESPACE}, which is not there. A look before Wavegate is installed says so only for information.`,
      remedy: 'Install the agent’s manifests (deploy/agent/rbac.yaml, or its chart).',
    },
    {
      code: 'node_job_refused',
      title: 'Our node Job would be refused',
      meaning:
        'A server-side dry run of the real template was refused, or Pod Security, a ResourceQuota or a LimitRange of the namespace would refuse the Job’s pod.',
      remedy:
        'Change what refuses it: label the namespace `pod-security.kubernetes.io/enforce: privileged`, lift the quota or limit there, or exempt it from the policy that is named.',
    },
  ],
  run(picture, { self }) {
    const { nodeJob } = picture;
    if (!nodeJob.namespaceThere) {
      const message = `the namespace ${NODE_JOB_NAMESPACE} is missing: no step on a host could be made`;
      const remedy = "install the agent's manifests";
      const severity = self ? 'block' : 'info';
      return [{ code: 'node_job_namespace_missing', object: NODE_JOB_NAMESPACE, severity, message, remedy }];
    }
    const refusals = [
      ...(nodeJob.refusal === '' ? [] : [`the API server would refuse it: ${nodeJob.refusal}`]),
      ...podRefusals(picture),
    ];
    return refusals.map((why): Found => {
      const remedy = 'change what refuses it, or exempt the namespace';
      return { code: 'node_job_refused', object: NODE_JOB_NAMESPACE, message: `our node Job: ${why}`, remedy };
    });
  },
};

/** Our pod asks for nothing and is privileged: what its namespace demands of pods. */
function podRefusals({ namespaces, quotas, limits }: ClusterPicture): string[] {
  const level = namespaces.find(({ name }) => name === NODE_JOB_NAMESPACE)?.labels[
    'pod-security.kubernetes.io/enforce'
  ];
  const found: string[] = [];
  if (level !== undefined && level !== 'privileged') {
    found.push(`Pod Security enforces "${level}" on ${NODE_JOB_NAMESPACE}: its privileged pod would be refused`);
  }
  for (const { namespace, name, hard, used } of quotas.filter((one) => one.namespace === NODE_JOB_NAMESPACE)) {
    // A quota on compute makes every pod of the namespace name its own, which ours does not; limits may be defaulted.
    const compute = Object.keys(hard).filter((one) => /^(requests\.|limits\.)?(cpu|memory)$/.test(one));
    const full = ['pods', 'count/pods', 'count/jobs.batch'].filter(
      (one) => hard[one] !== undefined && quantity(used[one]) >= quantity(hard[one]),
    );
    if (compute.length > 0)
      found.push(`quota ${namespace}/${name} on ${named(compute)}: a pod without requests would be refused`);
    if (full.length > 0) found.push(`quota ${namespace}/${name} is used up (${named(full)})`);
  }
  for (const { namespace, name, bounds } of limits.filter((one) => one.namespace === NODE_JOB_NAMESPACE)) {
    const least = bounds.filter(({ kind, type }) => kind === 'min' && (type === 'Container' || type === 'Pod'));
    if (least.length > 0)
      found.push(
        `LimitRange ${namespace}/${name} sets a least ${named(least.map(({ resource }) => resource))} per pod`,
      );
  }
  return found;
}
