import { takeEtcdBackup, type EtcdBackupAsked } from '@wavegate/kube';
import { Command, Option } from 'commander';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { keepingOf, keepOf, many, storeOf, targetOptions, type TargetOptions } from './backup-options.js';
import { tellBackup } from './backup-taken.js';

interface EtcdOptions extends TargetOptions {
  readonly endpoint: readonly string[];
  readonly pki?: string;
  readonly manifests?: string;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly encryptionConfig?: string;
  readonly verify: 'status' | 'restore';
  readonly etcdBin?: string;
  readonly apiserverBin?: string;
  readonly prefix: string;
  readonly node?: string;
}

const LOCAL = 'https://127.0.0.1:2379';
const KUBEADM = { pki: '/etc/kubernetes/pki', manifests: '/etc/kubernetes/manifests' } as const;

const HELP = `
Takes a snapshot of etcd by its own API, proves it, packs it with what a restore also needs (PKI, static pods,
EncryptionConfiguration), encrypts and stores it. Nothing of the cluster is changed.

  on a control-plane node made by kubeadm, as root:
    wavegate-agent backup etcd --to /var/backups/etcd --recipient age1… --recipient age1…
  to an object store:
    wavegate-agent backup etcd --to s3://backups/prod-fra-1 --endpoint-url https://s3.example --recipient age1… --keep 14
  an etcd beside the cluster:
    wavegate-agent backup etcd --endpoint https://etcd-1:2379 --cacert ca.crt --cert client.crt --key client.key --to …

Keys: wavegate-agent backup keygen.  Proof again, later: wavegate-agent backup verify FILE.
--verify restore needs the programs etcd and etcdutl: --etcd-bin, else the PATH, else those of the etcd that runs here.
Exit codes: 0 stored and proven as far as it says · 1 no backup was made · 2 an option is wrong · 4 etcd or the store
does not answer, or refuses us.`;

export function etcdBackupCommand(): Command {
  const command = new Command('etcd')
    .description('snapshot of etcd with PKI and EncryptionConfiguration, proven by a restore')
    .addOption(
      new Option('--endpoint <url>', 'client URL of etcd; more than one: the first that answers')
        .argParser((value: string, before: readonly string[]) => many(value, before[0] === LOCAL ? [] : before))
        .default([LOCAL], LOCAL),
    )
    .option('--pki <dir>', `the cluster's PKI (default: ${KUBEADM.pki} where there is one)`)
    .option('--manifests <dir>', `static pods (default: ${KUBEADM.manifests} where there are some)`)
    .option('--cacert <file>', 'CA of etcd (default: etcd/ca.crt of the PKI)')
    .option('--cert <file>', 'client certificate (default: etcd/healthcheck-client.crt of the PKI)')
    .option('--key <file>', 'its key (default: etcd/healthcheck-client.key of the PKI)')
    .option('--encryption-config <file>', 'EncryptionConfiguration (default: the one the API server is started with)')
    .addOption(
      new Option('--verify <level>', 'status: hash, every page, counts · restore: also into a scratch etcd')
        .choices(['status', 'restore'])
        .default('restore'),
    )
    .option('--etcd-bin <dir>', 'folder of etcd and etcdutl, for the restore')
    .option(
      '--apiserver-bin <file>',
      'kube-apiserver to boot on the restore and read a Secret by; "host": the running one',
    )
    .option('--prefix <path>', 'of the API server’s keys in etcd', '/registry/')
    .option('--node <name>', 'host it is taken on (default: this one)')
    .addHelpText('after', HELP);
  return targetOptions(command).action((options: EtcdOptions) => backUpEtcd(options));
}

function backUpEtcd(options: EtcdOptions): Promise<void> {
  return tellBackup(
    options,
    ({ cluster, node }) => `etcd of ${cluster}, taken on ${node}`,
    // Inside: a wrong option, too, must reach the Pod's message.
    async (say) => takeEtcdBackup(askedBy(options), say),
  );
}

function askedBy(options: EtcdOptions): EtcdBackupAsked {
  const { recipient: recipients, plaintext = false, verify, prefix } = options;
  return {
    cluster: options.cluster ?? hostname(),
    node: options.node ?? hostname(),
    ...placesOf(options),
    store: storeOf(options),
    ...{ recipients, plaintext, verify, prefix },
    etcdBin: options.etcdBin ?? null,
    apiServerBin: options.apiserverBin ?? null,
    scratch: options.scratch ?? null,
    keep: keepOf(options),
    keeping: keepingOf(options),
  };
}

/** kubeadm's folders where nothing is said and they are there; a folder that was named must be. */
function placesOf(options: EtcdOptions): Pick<EtcdBackupAsked, 'access' | 'manifests' | 'encryptionConfig'> {
  const there = (path: string): string | null => (existsSync(path) ? path : null);
  const { cacert = null, cert = null, key = null, endpoint: endpoints } = options;
  const pki = options.pki ?? there(KUBEADM.pki);
  return {
    access: { endpoints, pki, caFile: cacert, certFile: cert, keyFile: key },
    manifests: options.manifests ?? there(KUBEADM.manifests),
    encryptionConfig: options.encryptionConfig ?? null,
  };
}
