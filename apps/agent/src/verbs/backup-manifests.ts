import { takeManifestsBackup, type BackupTaken } from '@wavegate/kube';
import { Command, Option } from 'commander';
import { keepingOf, keepOf, many, storeOf, targetOptions, type TargetOptions } from './backup-options.js';
import type { ProgressLine } from './backup-output.js';
import { tellBackup } from './backup-taken.js';
import { kubeOptions, openVerbKube, type KubeOptions } from './verb-kube.js';

interface ManifestsOptions extends TargetOptions, KubeOptions {
  readonly namespace: readonly string[];
  readonly selector?: string;
  readonly includeSecrets?: boolean;
  readonly skip: readonly string[];
}

const HELP = `
Lists every kind the API has, page by page, and writes each object as YAML without what the server put into it, in a
tar.gz by namespace and kind. Changes nothing. Left out: what the cluster makes by itself (events, endpoints, leases,
nodes, pods and replica sets of a controller, …), finished Jobs, and Secrets unless --include-secrets.

  wavegate-agent backup manifests --context prod-fra-1 --to ./backups
  wavegate-agent backup manifests --to s3://backups/prod --recipient age1… --include-secrets --keep 30

Into an empty cluster, in the order of the archive:
  tar -xzf FILE && sed 's/^/-f /' apply-order.txt | xargs -n 100 kubectl apply --server-side --force-conflicts

Exit codes: 0 stored · 1 no backup was made, for instance because a kind could not be listed · 2 an option is wrong ·
4 the API server or the store does not answer, or refuses us.`;

export function manifestsCommand(): Command {
  const list = (flags: string, text: string): Option => new Option(flags, text).argParser(many).default([], 'all');
  const command = new Command('manifests')
    .description('every object of the API as YAML, one file each, ready to be applied again')
    .addOption(list('--namespace <name>', 'only this namespace; may be given again'))
    .option('--selector <labels>', 'only objects with these labels, as kubectl writes them')
    .option('--include-secrets', 'Secrets too; needs --recipient')
    .addOption(
      list('--skip <kind>', 'leave out a kind (deployments.apps) or a group (*.example.com)').default([], 'none'),
    )
    .addHelpText('after', HELP);
  return targetOptions(kubeOptions(command)).action((options: ManifestsOptions) => exportManifests(options));
}

function exportManifests(options: ManifestsOptions): Promise<void> {
  return tellBackup(
    options,
    ({ cluster }) => `manifests of ${cluster}`,
    (say) => take(options, say),
  );
}

async function take(options: ManifestsOptions, say: ProgressLine['say']): Promise<BackupTaken> {
  const store = storeOf(options);
  const keep = keepOf(options);
  const keeping = keepingOf(options);
  const { config } = await openVerbKube(options);
  return takeManifestsBackup(
    {
      cluster: options.cluster ?? config.getCurrentContext(),
      config,
      store,
      recipients: options.recipient,
      plaintext: options.plaintext ?? false,
      includeSecrets: options.includeSecrets ?? false,
      namespaces: options.namespace,
      selector: options.selector ?? '',
      skip: options.skip,
      keep,
      keeping,
    },
    say,
  );
}
