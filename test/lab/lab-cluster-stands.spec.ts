import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { eventually } from '../kube/world/eventually.js';
import { APP_IMAGE } from './world/kube-images.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const SETTINGS = [
  'vm/overcommit_memory',
  'kernel/panic',
  'kernel/panic_on_oops',
  'vm/panic_on_oom',
  'net/ipv4/ip_forward',
];
const kernelSettings = (): readonly string[] =>
  SETTINGS.map((name) => `${name}=${readFileSync(`/proc/sys/${name}`, 'utf8').trim()}`);

const APP = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app', labels: { app: 'app' } },
    spec: {
      nodeName: 'w1',
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
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'app' },
    spec: { type: 'NodePort', selector: { app: 'app' }, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'asks-by-name' },
    spec: {
      restartPolicy: 'OnFailure',
      tolerations: [{ operator: 'Exists' }],
      nodeName: 'cp1',
      containers: [{ name: 'app', image: APP_IMAGE, args: ['get', 'http://app.default.svc.cluster.local/'] }],
    },
  },
];

/** Through a node, as a browser would; its connection is not kept: the node will be gone before it would be closed. */
async function fromOutside(lab: Lab): Promise<string | false> {
  const address = `http://${lab.node('cp1').place.address}:30080/`;
  const signal = AbortSignal.timeout(2_000);
  const answer = await fetch(address, { signal, headers: { connection: 'close' } });
  return answer.ok && answer.text();
}

describe('the short lab', () => {
  const before = kernelSettings();
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ name: 'short', shape: 'short', version: '1.34.4', upgradableTo: ['1.35.4'] });
  });
  afterAll(() => lab?.stop());

  it('raised from nothing → both nodes Ready at the version that was asked for, by the packages of apt', async () => {
    const path = '{range .items[*]}{.metadata.name} {.status.nodeInfo.kubeletVersion}{"\\n"}{end}';
    const nodes = await lab.kubectl(['get', 'nodes', '-o', `jsonpath=${path}`]);
    expect(nodes.trim().split('\n')).toEqual(['cp1 v1.34.4', 'w1 v1.34.4']);
    expect(await lab.kubectl(['version'])).toContain('Server Version: v1.34.4');

    for (const node of lab.nodes) {
      expect(await node.exec(['dpkg-query', '-W', '-f', '${Version}', 'kubelet'])).toBe('1.34.4-1.1');
      expect((await node.exec(['apt-mark', 'showhold'])).split('\n')).toContain('kubeadm');
    }
  });

  it('a pod on the worker behind a Service → answers the machine through the node and a pod of the other node by name', async () => {
    for (const object of APP) await lab.kubectl(['apply', '-f', '-'], JSON.stringify(object));
    await lab.kubectl(['wait', '--for=condition=Ready', 'pod/app', '--timeout=90s']);

    const outside = await eventually('an answer of the Service', () => fromOutside(lab));
    expect(outside).toContain('node=w1');

    await lab.kubectl(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/asks-by-name', '--timeout=120s']);
    expect(await lab.kubectl(['logs', 'asks-by-name'])).toContain('node=w1');
  });

  it('the node of the next minor asked for by apt → its package is there, and its images are loaded', async () => {
    const worker = lab.node('w1');
    const offered = await worker.sh(`sed 's#/v1.34/#/v1.35/#' /etc/apt/sources.list.d/kubernetes.list > /tmp/next.list
apt-get update -q -o Dir::Etc::sourcelist=/tmp/next.list -o Dir::State::lists=/tmp >/dev/null 2>&1
ls /lab/apt/v1.35/deb`);
    expect(offered).toContain('kubeadm_1.35.4-1.1');
    expect(await worker.sh('ctr -n k8s.io images list -q')).toContain('registry.k8s.io/kube-proxy:v1.35.4');
  });

  it("the worker restarted as by a power cut → Ready again, and the pod's Service answers again", async () => {
    await lab.node('w1').restart();

    await lab.kubectl(['wait', '--for=condition=Ready', 'node/w1', '--timeout=180s']);
    const answered = await eventually('an answer after the restart', () => fromOutside(lab));
    expect(answered).toContain('node=w1');
  });

  it("a cluster's life → the machine's own kernel settings are what they were", () => {
    expect(kernelSettings()).toEqual(before);
  });
});
