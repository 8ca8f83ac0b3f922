import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { HostFacts } from '../../node/host-facts.js';
import type { ClusterFinding } from '../check.js';
import type { ClusterPicture } from '../picture.js';
import { CHECKS } from '../registry.js';
import { runChecks } from '../run-checks.js';
import { AT, component, context, node, picture } from '../testing/sound-picture.js';

const DAY_MS = 86_400_000;

const host = (name: string, of: Partial<HostFacts> = {}): HostFacts => ({
  ...{ node: name, cgroup: 'v2', served: [], kubeletConfig: null, kubeletConfigTooLarge: false },
  ...of,
});
const found = (id: string, of: Partial<ClusterPicture>, hostFacts: readonly HostFacts[]): ClusterFinding[] =>
  runChecks(
    picture(of),
    context({ hostFacts }),
    CHECKS.filter((one) => one.id === id),
  );

/** As kubeadm 1.34.4 writes it, with what Go writes for fields that nobody set. */
const WRITTEN = `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: { enabled: false }
  webhook: { cacheTTL: 0s, enabled: true }
  x509: { clientCAFile: /etc/kubernetes/pki/ca.crt }
authorization:
  mode: Webhook
  webhook: { cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s }
cgroupDriver: systemd
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
containerRuntimeEndpoint: ""
cpuManagerReconcilePeriod: 0s
evictionPressureTransitionPeriod: 0s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
logging: { flushFrequency: 0, options: { json: { infoBufferSize: "0" }, text: { infoBufferSize: "0" } }, verbosity: 0 }
memorySwap: {}
rotateCertificates: true
shutdownGracePeriod: 1m0s
staticPodPath: /etc/kubernetes/manifests
`;

const configured = (yaml: string): ClusterPicture['kubeadm'] => {
  const config = parse(yaml) as Record<string, unknown>;
  return {
    ...{ configuration: null, proxyFeatureGates: {} },
    kubelet: { config, featureGates: {}, failCgroupV1: null },
  };
};
/** "severity object: message" of a node whose file is `live`, in a cluster whose ConfigMap is `rendered`. */
const drift = (live: string, rendered = WRITTEN): string[] =>
  found('manifest-drift', { pods: [], kubeadm: configured(rendered) }, [host('w-1', { kubeletConfig: live })]).map(
    ({ severity, object, message }) => `${severity} ${object}: ${message}`,
  );

describe('the kubelet configuration of a host against what kubeadm would write', () => {
  it('as kubeadm wrote it, also in another order and form, and with the socket patched in → nothing', () => {
    const other = JSON.stringify(Object.fromEntries(Object.entries(parse(WRITTEN) as object).reverse()));
    expect([drift(WRITTEN), drift(other)]).toEqual([[], []]);
    expect(drift(WRITTEN.replace('1m0s', '60s'))).toEqual([]);
    const socket = WRITTEN.replace('Endpoint: ""', 'Endpoint: unix:///run/containerd/containerd.sock');
    expect(drift(socket)).toEqual([]);
  });

  it('a field that the ConfigMap lacks → kubeadm would drop it: node, field, value, what to do', () => {
    const live = `${WRITTEN}maxPods: 200\nevictionHard: { memory.available: 500Mi }\nserverTLSBootstrap: true\n`;
    expect(drift(live)).toEqual([
      'block kubelet@w-1: the kubelet configuration of w-1 has evictionHard.memory.available: 500Mi, maxPods: 200, serverTLSBootstrap: true that the kubelet-config ConfigMap lacks: kubeadm would drop it',
    ]);
    const facts = [host('w-1', { kubeletConfig: live })];
    const [finding] = found('manifest-drift', { pods: [], kubeadm: configured(WRITTEN) }, facts);
    expect(finding).toMatchObject({
      ...{ code: 'manifest_drift', nodes: ['w-1'] },
      remedy: expect.stringMatching(/kube-system\/kubelet-config .*kubeadm patch/),
    });
    expect(drift(live, live)).toEqual([]);
  });

  it('a field with another value → both are named; one that is not there yet → only a warning', () => {
    expect(drift(`${WRITTEN}maxPods: 200\n`, `${WRITTEN}maxPods: 110\n`)).toEqual([
      'block kubelet@w-1: the kubelet configuration of w-1 has maxPods: 200 (kubeadm would write 110)',
    ]);
    expect(drift(WRITTEN, `${WRITTEN}maxPods: 110\n`)).toEqual([
      'warn kubelet@w-1: the kubelet configuration of w-1 lacks maxPods: 110 of the kubelet-config ConfigMap: kubeadm would add it',
    ]);
    expect(drift(WRITTEN.replace('rotateCertificates: true', 'rotateCertificates: false'))[0]).toContain(
      'rotateCertificates: false (kubeadm would write true)',
    );
  });

  it('a ConfigMap that leaves out what kubeadm fills in by itself → nothing; filled otherwise by hand → said', () => {
    const bare = 'kind: KubeletConfiguration\n';
    expect(drift(`${WRITTEN}resolvConf: /run/systemd/resolve/resolv.conf\n`.replace(/shutdown.*\n/, ''), bare)).toEqual(
      [],
    );
    const live = 'cgroupDriver: cgroupfs\nclusterDNS: [169.254.20.10]\n';
    expect(drift(live, bare)[0]).toContain('cgroupDriver: cgroupfs (kubeadm would write systemd)');
    expect(drift('clusterDNS: [169.254.20.10]\n', 'clusterDNS: [10.96.0.10]\n')[0]).toContain(
      'clusterDNS: ["169.254.20.10"] (kubeadm would write ["10.96.0.10"])',
    );
  });

  it('the same on many nodes → one finding that names them; no file, no YAML or no ConfigMap → nothing is concluded', () => {
    const kubeletConfig = `${WRITTEN}maxPods: 200\n`;
    const hosts = [
      ...['w-2', 'w-1', 'w-3'].map((name) => host(name, { kubeletConfig })),
      ...[host('w-4', { kubeletConfig: WRITTEN }), host('w-5'), host('w-6', { kubeletConfig: '{' })],
    ];
    const kubeadm = configured(WRITTEN);
    expect(found('manifest-drift', { pods: [], kubeadm }, hosts)).toMatchObject([
      { object: 'kubelet@w-1, w-2, w-3', nodes: ['w-1', 'w-2', 'w-3'] },
    ]);
    expect(found('manifest-drift', { pods: [] }, hosts)).toEqual([]);
  });
});

describe('certificates as the components of a host serve them', () => {
  const serving = (of: string, days: number) =>
    host('cp-1', { served: [{ of, at: 'here:1', until: AT + days * DAY_MS }] });

  it.each([
    ['etcd', -1, 'block certificate_expired', /renew it first/],
    ['etcd', 20, 'warn certificate_expires_soon', /this upgrade renews/],
    ['kube-scheduler', -1, 'warn certificate_expired', /makes a new one when the upgrade restarts it/],
    ['kube-controller-manager', 5, 'warn certificate_expires_soon', /makes a new one/],
    ['kubelet', -1, 'warn certificate_expired', /no upgrade renews it: remove .*kubelet\.crt/],
    ['kubelet', 20, 'warn certificate_expires_soon', /no upgrade renews it/],
  ])('%s with %i days left → %s, and what renews it', (of, days, expected, remedy) => {
    const [one, ...more] = found('certificates', {}, [serving(of, days)]);
    expect(`${one?.severity} ${one?.code}`).toBe(expected);
    expect(one).toMatchObject({ object: `${of} on cp-1 (here:1)`, nodes: ['cp-1'] });
    expect(one?.remedy).toMatch(remedy);
    expect(more).toEqual([]);
  });

  it('a month left → nothing; API servers that verify kubelets → an ended kubelet certificate blocks', () => {
    expect(found('certificates', {}, [serving('etcd', 31)])).toEqual([]);
    const pods = [component('kube-apiserver', 'cp-1', { flags: { 'kubelet-certificate-authority': 'ca.crt' } })];
    expect(found('certificates', { pods }, [serving('kubelet', -1)])).toMatchObject([{ severity: 'block' }]);
  });

  it('an API server that was reached from here → judged once; one that only its host sees → judged there', () => {
    const certificates = [{ of: 'the API server at a:6443', until: AT + 5 * DAY_MS }];
    const hosts = [serving('kube-apiserver', 5), serving('kube-apiserver', 6)];
    expect(found('certificates', { certificates }, hosts).map(({ object }) => object)).toEqual([
      'kube-apiserver on cp-1 (here:1)',
      'the API server at a:6443',
    ]);
  });
});

describe('the cgroup version by the word of the host', () => {
  const osImage = 'CentOS Linux 8';
  const nodes = ['w-1', 'w-2', 'w-3', 'w-4'].map((name) => node(name, name === 'w-3' ? {} : { osImage }));
  const hosts = [
    host('w-1'),
    host('w-2', { cgroup: 'v1' }),
    host('w-3', { cgroup: 'v1' }),
    host('w-4', { cgroup: null }),
  ];

  it('v1 → blocks, whatever the name of its system; v2 → nothing, whatever its name; not told → concluded from the name', () => {
    expect(found('node-runtime', { nodes }, hosts)).toMatchObject([
      {
        severity: 'block',
        object: 'cgroup v1',
        nodes: ['w-2', 'w-3'],
        message: expect.stringMatching(/^w-2, w-3 run/),
      },
      { severity: 'warn', object: osImage, nodes: ['w-4'] },
    ]);
  });

  it('kubelet-config consents → nothing', () => {
    const kubeadm = configured('failCgroupV1: false\n');
    const consenting = { ...kubeadm, kubelet: kubeadm.kubelet && { ...kubeadm.kubelet, failCgroupV1: false } };
    expect(found('node-runtime', { nodes, kubeadm: consenting }, hosts)).toEqual([]);
  });
});
