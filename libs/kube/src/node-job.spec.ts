import { describe, expect, it } from '@jest/globals';
import type { Step } from '@wavegate/runtime/agent';
import { nodeWords } from './node/node-words.js';
import { nodeJob, nodeJobName, nodeLabel, type NodeWork } from './node-job.js';

const ORDER = '0123456789abcdef0123456789abcdef';
const step: Step = { kind: 'upgradeKubelet', name: 'upgradeKubelet/w-1', node: 'w-1', from: '1.34.4', to: '1.35.4' };
const work: NodeWork = { verb: 'kubelet', node: 'w-1', from: '1.34.4', to: '1.35.4', first: false, verify: 'status' };

describe('the name of a node Job', () => {
  it('the same order, step and try → the same name: a restarted agent finds its Job', () => {
    expect(nodeJobName(ORDER, { ...step }, 1)).toBe(nodeJobName(ORDER, step, 1));
  });

  it('another order, step or try → another name', () => {
    const names = [
      nodeJobName(ORDER, step, 1),
      nodeJobName(ORDER, step, 2),
      nodeJobName(ORDER, { ...step, name: 'upgradeKubelet/w-2' }, 1),
      nodeJobName(ORDER.replace('0', 'f'), step, 1),
    ];
    expect(new Set(names).size).toBe(names.length);
  });

  it('the longest node name there is → a name and labels that Kubernetes takes', () => {
    const node = `${'n'.repeat(240)}.example.com`;
    const name = nodeJobName(ORDER, { ...step, name: `upgradeKubelet/${node}` }, 1);
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    expect(name.length).toBeLessThanOrEqual(63);
    const labels = Object.values(nodeJob(name, ORDER, { ...work, node }, 'image').metadata?.labels ?? {});
    for (const label of labels) expect(label).toMatch(/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/);
    expect(nodeLabel(node)).not.toBe(nodeLabel(`x${node}`));
  });
});

describe('the template of a node Job', () => {
  it('any work → pinned to the node past cordons and taints, without a token, without retries of its own', () => {
    const job = nodeJob('wg-1', ORDER, work, 'registry.example/wavegate-node@sha256:1');
    expect(job).toMatchSnapshot();
  });

  it('a plan’s word on packages, limits and kubeadm’s checks → in its environment, and the Job is bounded by their sum', () => {
    const upgrade = {
      packages: 'mirror',
      ignorePreflightErrors: ['SystemVerification', 'Swap'],
      limits: { packages: '1m', images: '90s', manifests: '100ms', kubeadm: '10m', kubelet: '30s' },
      controlPlane: { twoStep: false },
    } as const;
    const words = nodeWords(
      { upgrade: { ...upgrade, ignorePreflightErrors: [...upgrade.ignorePreflightErrors] } },
      {
        packageMirror: 'https://mirror.example/v{minor}/deb/',
      },
    );
    const job = nodeJob('wg-1', ORDER, { ...work, words }, 'image');
    const env = job.spec?.template.spec?.containers[0]?.env ?? [];
    expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toMatchObject({
      WG_PACKAGES: 'mirror',
      WG_MIRROR: 'https://mirror.example/v{minor}/deb/',
      WG_LIMITS: 'images=90,kubeadm=600,kubelet=30,manifests=1,packages=60',
      WG_IGNORE: 'SystemVerification,Swap',
    });
    // Packages twice, images, kubeadm, manifests twice, kubelet, and five minutes.
    expect(job.spec?.activeDeadlineSeconds).toBe(60 + 60 + 90 + 600 + 1 + 30 + 300);
  });

  it('a control-plane step on the first node → the same template with other words in its environment', () => {
    const first = nodeJob('wg-1', ORDER, { ...work, verb: 'controlPlane', first: true }, 'image');
    const other = nodeJob('wg-1', ORDER, work, 'image');
    const env = (job: typeof first) => job.spec?.template.spec?.containers[0]?.env ?? [];
    expect(Object.fromEntries(env(first).map(({ name, value }) => [name, value]))).toEqual({
      WG_STEP: 'controlPlane',
      WG_FROM: '1.34.4',
      WG_TARGET: '1.35.4',
      WG_FIRST: 'true',
      WG_VERIFY: 'status',
      WG_NODE: 'w-1',
      WG_ORDER: ORDER,
      WG_EMULATE: '',
      WG_PACKAGES: 'node',
      WG_MIRROR: '',
      WG_LIMITS: '',
      WG_IGNORE: '',
    });
    expect(env(first).map(({ name }) => name)).toEqual(env(other).map(({ name }) => name));
  });
});
