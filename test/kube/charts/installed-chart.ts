import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HELM_VERSION, programPath } from '../world/obtained-programs.js';
import type { KubectlResult, RealCluster } from '../world/real-cluster.js';

export const AGENT_CHART = join(import.meta.dirname, '../../../deploy/charts/agent');
export const NAMESPACE = 'wavegate';
export const AGENT_USER = `system:serviceaccount:${NAMESPACE}:wavegate-agent`;

/** What the hub's join line sets. */
export const JOINED: readonly string[] = [
  '--set-string=hub.gateway=hub.example:8443',
  '--set-string=hub.enrolment=hub.example:8444',
  `--set-string=hub.caSha256=${'ab'.repeat(32)}`,
  '--set-string=join.token=t.s',
];

/** The world's controller-manager works under a user of its own. */
export const PLAYED_CONTROLLERS = '--set-json=admission.jobControllers=["wavegate-test:controllers"]';

/** The real helm against a cluster, with nothing of this machine's own helm. Never rejects. */
export function helm(cluster: RealCluster, args: readonly string[], version = HELM_VERSION): Promise<KubectlResult> {
  const home = join(cluster.dir, 'helm');
  const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: cluster.kubeconfigPath };
  return new Promise((done) => {
    execFile(programPath('helm', version), [...args], { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) || 1 : 0, stdout, stderr }),
    );
  });
}

/** The same, where a refusal is a failure of the test. */
export async function helmMust(cluster: RealCluster, args: readonly string[], version = HELM_VERSION): Promise<string> {
  const { code, stdout, stderr } = await helm(cluster, args, version);
  if (code !== 0) throw new Error(`helm ${args.slice(0, 3).join(' ')} …: ${stderr}`);
  return stdout;
}

let files = 0;

/** Creates an object in somebody's name; '' when it was taken, else the refusal. */
export async function createAs(
  cluster: RealCluster,
  user: string,
  object: unknown,
  ...more: readonly string[]
): Promise<string> {
  files += 1;
  const file = join(cluster.dir, `object-${files}.json`);
  writeFileSync(file, JSON.stringify(object));
  const { code, stderr } = await cluster.kubectl('create', '-f', file, '--as', user, ...more);
  return code === 0 ? '' : stderr.trim();
}

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const KINDS = [
  ...['namespaces', 'clusterroles', 'clusterrolebindings', 'priorityclasses', 'validatingadmissionpolicies'],
  ...['validatingadmissionpolicybindings', 'serviceaccounts', 'secrets', 'configmaps', 'services', 'deployments'],
  ...['roles', 'rolebindings', 'networkpolicies', 'jobs', 'pods'],
].join(',');

/** Every object of ours in the cluster, as "Kind namespace/name"; what Kubernetes makes in each namespace is left out. */
export async function objectsOfOurs(cluster: RealCluster): Promise<readonly string[]> {
  const { stdout, code, stderr } = await cluster.kubectl('get', KINDS, '--all-namespaces', '-o', 'json');
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { readonly items: readonly Named[] }).items
    .filter(({ metadata: { name, namespace = '' } }) => name.includes('wavegate') || namespace.startsWith('wavegate'))
    .filter(({ metadata: { name } }) => name !== 'kube-root-ca.crt' && name !== 'default')
    .map(({ kind, metadata: { name, namespace } }) => `${kind} ${namespace ? `${namespace}/` : ''}${name}`)
    .sort();
}
