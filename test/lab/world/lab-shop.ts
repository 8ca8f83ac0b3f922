import { APP_IMAGE } from './kube-images.js';
import type { Lab } from './start-lab.js';

export const SHOP_PORT = 30080;
const labels = { app: 'shop' };

const deployment = (replicas: number): unknown => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'shop' },
  spec: {
    replicas,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        // The control plane of the short shape takes pods too: its one worker alone could not be drained.
        tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: labels },
          },
        ],
        containers: [
          {
            name: 'app',
            image: APP_IMAGE,
            env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
            readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
});

const budget = (minAvailable: number): unknown => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'shop' },
  spec: { minAvailable, selector: { matchLabels: labels } },
});

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop' },
  spec: { type: 'NodePort', selector: labels, ports: [{ port: 80, targetPort: 8080, nodePort: SHOP_PORT }] },
};

/** A web application that may lose one replica at a time, reached by everybody through one Service. */
export async function openShop(lab: Lab, replicas = 4): Promise<string> {
  for (const object of [deployment(replicas), budget(replicas - 1), service]) {
    await lab.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  }
  await lab.kubectl(['rollout', 'status', 'deployment/shop', '--timeout=180s']);
  return shopAddress(lab);
}

/** Through the last worker: a drained node keeps its kube-proxy, and the tests that cut power cut it elsewhere. */
export function shopAddress(lab: Lab): string {
  return `http://${lab.nodes.at(-1)?.place.address}:${SHOP_PORT}/`;
}
