import { LABELS, NODE_JOB_NAMESPACE } from './node-job-contract.js';
import type { NodeStep } from './node-job-contract.js';

/** A node Job as small as the contract allows: for tests of the world itself, where there is no agent yet. */
export function nodeJob(of: {
  order: string;
  node: string;
  step: NodeStep;
  target: string;
  from: string;
  first?: boolean;
}) {
  const labels = { [LABELS.order]: of.order, [LABELS.node]: of.node, [LABELS.step]: of.step };
  const env = { WG_STEP: of.step, WG_TARGET: of.target, WG_FROM: of.from, WG_FIRST: String(of.first ?? true) };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${of.order}-${of.step.toLowerCase()}-${of.node}`, namespace: NODE_JOB_NAMESPACE, labels },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels },
        spec: {
          nodeName: of.node,
          restartPolicy: 'Never',
          tolerations: [{ operator: 'Exists' }],
          containers: [
            {
              name: 'step',
              image: 'registry.example/wavegate-node:1',
              env: Object.entries(env).map(([name, value]) => ({ name, value })),
            },
          ],
        },
      },
    },
  };
}
