import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PlanSchema } from '@wavegate/fleet';
import { NODE_JOB_NAMESPACE, openKube, type KubeAccess, type NodeVerb } from '@wavegate/kube';
import { CancelSource, type Step } from '@wavegate/runtime/agent';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { nodeWords } from '../../libs/kube/src/node/node-words.js';
import { runNodeStep, type NodeStepEnd } from '../../libs/kube/src/node-step.js';
import { eventually } from '../kube/world/eventually.js';
import { runFolder } from './world/lab-places.js';
import { startLab, type Lab } from './world/start-lab.js';

/** The steps of the node image by themselves, on real hosts: what the played hosts of the unit tier cannot show. */
const [OLD, NEW] = ['1.34.4', '1.35.4'];
const IMAGE = 'docker.io/wavegate/node:lab';
let lab: Lab;
let kube: KubeAccess;

beforeAll(async () => {
  lab = await startLab({ name: 'steps', shape: 'short', version: OLD, upgradableTo: [NEW] });
  const archive = join(runFolder('steps'), 'node.tar');
  const build = join(import.meta.dirname, '../../deploy/images/node/build.sh');
  execFileSync(build, [archive, IMAGE]);
  await lab.loadImage(archive);
  kube = openKube({ kubeconfig: lab.kubeconfig });
  const labels = { 'pod-security.kubernetes.io/enforce': 'privileged' };
  await kube.core.createNamespace({ body: { metadata: { name: NODE_JOB_NAMESPACE, labels } } });
}, 600_000);
afterAll(() => lab?.stop());

const clock = { now: () => Date.now(), sleep: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)) };
let tries = 0;

/** One step by the agent's own template; asked again while the only API server restarts, as the agent asks. */
async function step(verb: NodeVerb, node: string, to: string, kubelet = '2m'): Promise<NodeStepEnd> {
  const spec = {
    target: { kubernetes: NEW },
    upgrade: { ignorePreflightErrors: ['SystemVerification'], limits: { kubelet } },
  };
  const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'steps' } };
  const words = nodeWords(PlanSchema.parse({ ...head, spec }).spec, { packageMirror: null });
  const work = { verb, node, from: OLD, to, first: true, verify: 'status', words } as const;
  const which: Step = { kind: 'preflight', name: `${verb}/${node}`, target: to };
  tries += 1;
  const request = {
    orderId: `steps-${tries}`,
    step: which,
    attempt: 1,
    image: IMAGE,
    cancel: new CancelSource(),
    work,
  };
  return eventually(`${verb} on ${node}`, () => runNodeStep(kube, clock, request), {
    withinMs: 900_000,
    everyMs: 2_000,
  });
}

const kubeletOf = async (node: string): Promise<string> =>
  (await lab.kubectl(['get', 'node', node, '-o', 'jsonpath={.status.nodeInfo.kubeletVersion}'])).trim();

describe('the steps of the node image on real hosts', () => {
  it('inspect → apt, its own name, kubeadm’s own plan without objections, and nothing is changed', async () => {
    expect(await step('inspect', 'cp1', NEW)).toMatchObject({
      kind: 'reported',
      message: { manager: 'apt', name: 'cp1', found: [], stands: { kubeadm: OLD } },
    });
    expect(await step('inspect', 'w1', '1.35.99')).toMatchObject({
      message: { found: [{ code: 'package_missing', text: expect.stringContaining('it has 1.35.4-1.1') }] },
    });
  }, 300_000);

  it('prefetch → the packages lie on the host, the host is what it was', async () => {
    expect(await step('prefetch', 'w1', NEW)).toMatchObject({ kind: 'reported' });
    expect(await lab.node('w1').sh('kubeadm version -o short; apt-mark showhold')).toMatch(/v1\.34\.4[^]*kubelet/);
  }, 300_000);

  it('staged restore → snapshot, programs and a script that knows its members', async () => {
    const end = await step('stageRestore', 'cp1', OLD);
    expect(end).toMatchObject({ kind: 'reported', message: { members: 'cp1' } });
    const folder = end.kind === 'reported' ? String(end.message.folder) : '';
    expect(await lab.node('cp1').sh(`${folder}/etcdutl snapshot status ${folder}/snapshot.db`)).toMatch(/[0-9a-f]{6}/);
  }, 300_000);

  it('control plane → every component and etcd at the target, kubelet as it was', async () => {
    expect(await step('controlPlane', 'cp1', NEW)).toMatchObject({
      kind: 'reported',
      message: { stands: { 'kube-apiserver': NEW, 'kube-scheduler': NEW, kubelet: OLD, etcd: '3.6.6-0' } },
    });
  }, 900_000);

  it('worker there and back → the package is held, the configuration is that of before', async () => {
    const config = () => lab.node('w1').sh('sha256sum /var/lib/kubelet/config.yaml');
    const before = await config();
    expect(await step('kubelet', 'w1', NEW)).toMatchObject({ kind: 'reported', message: { version: NEW } });
    await eventually('the node to say so', async () => (await kubeletOf('w1')) === `v${NEW}`, { withinMs: 60_000 });
    expect(await step('kubeletRollback', 'w1', OLD)).toMatchObject({ kind: 'reported', message: { version: OLD } });
    await eventually('the node to say so', async () => (await kubeletOf('w1')) === `v${OLD}`, { withinMs: 60_000 });
    expect(await config()).toBe(before);
    expect(await lab.node('w1').sh('apt-mark showhold')).toContain('kubelet');
  }, 600_000);

  it('a kubelet that does not start → the step itself puts the old one back, and its words come through', async () => {
    await lab.node('w1').sh(BROKEN_KUBELET);
    const end = await step('kubelet', 'w1', NEW, '20s');
    expect(end).toMatchObject({ kind: 'failed', reason: { code: 'step_failed' } });
    const detail = end.kind === 'failed' ? String(end.reason.params.detail) : '';
    expect(detail).toContain('put back to 1.34.4');
    expect(detail).toContain('noSuchField');
    expect(await kubeletOf('w1')).toBe(`v${OLD}`);
  }, 600_000);
});

/** The package of the target with a kubelet that knows its version and nothing else. */
const BROKEN_KUBELET = `
set -e
cd /var/lib/wavegate/packages/${NEW}
dpkg-deb -R kubelet_*.deb /root/broken
cat > /root/broken/usr/bin/kubelet <<'E'
#!/bin/sh
[ "$1" != --version ] || { echo "Kubernetes v${NEW}"; exit 0; }
echo "E1121 command failed: unknown field noSuchField" >&2
exit 1
E
chmod 755 /root/broken/usr/bin/kubelet
dpkg-deb -Zgzip -z1 -b /root/broken "$(ls kubelet_*.deb)" >/dev/null
rm -rf /root/broken`;
