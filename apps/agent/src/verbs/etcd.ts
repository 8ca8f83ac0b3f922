import { lookAtEtcd, type EtcdAccess, type EtcdLook, type EtcdMember } from '@wavegate/kube';
import { Command, Option } from 'commander';
import { writeFileSync } from 'node:fs';
import { EXIT, ProgramFailure } from '../program-failure.js';
import { many } from './backup-options.js';
import { size } from './backup-output.js';
import { table } from './table.js';

interface LookOptions {
  readonly endpoint: readonly string[];
  readonly pki?: string;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly output: string;
  readonly terminationLog?: string;
}

/** Kubernetes cuts termination messages at 4 KiB; a cut one could not be read. */
const MESSAGE_LIMIT = 4_000;

const HELP = `
Asks every member by etcd's own API: does it answer, who leads, how full is its database, is an alarm raised, how often
did the leader change. Changes nothing.

    wavegate-agent etcd --endpoint https://etcd-1:2379 --cacert ca.crt --cert client.crt --key client.key
  on a control-plane node made by kubeadm, as root:
    wavegate-agent etcd --endpoint https://127.0.0.1:2379 --pki /etc/kubernetes/pki

One endpoint is enough: it names the other members. Exit codes: 0 looked at · 2 an option is wrong · 4 no endpoint
answers, or it refuses us.`;

export function etcdCommand(): Command {
  return new Command('etcd')
    .description('look at an etcd by its own API: members, leader, size, alarms')
    .addOption(
      new Option('--endpoint <url>', 'client URL of a member; more than one if you like')
        .argParser((value: string, before: readonly string[] = []) => many(value, before))
        .makeOptionMandatory(),
    )
    .option('--pki <dir>', "the cluster's PKI, for a stacked etcd")
    .option('--cacert <file>', 'CA of etcd (default: etcd/ca.crt of the PKI)')
    .option('--cert <file>', 'client certificate (default: etcd/healthcheck-client.crt of the PKI)')
    .option('--key <file>', 'its key (default: etcd/healthcheck-client.key of the PKI)')
    .addOption(new Option('-o, --output <form>', 'text or json').choices(['text', 'json']).default('text'))
    .addOption(new Option('--termination-log <file>', 'where a Job leaves what it saw').hideHelp())
    .addHelpText('after', HELP)
    .action((options: LookOptions) => look(options));
}

async function look(options: LookOptions): Promise<void> {
  const seen = await lookAtEtcd(accessOf(options)).catch((error: unknown): never => {
    const said = error instanceof Error ? error.message : String(error);
    leave(options.terminationLog, { ok: false, error: said.slice(0, MESSAGE_LIMIT / 2) });
    throw new ProgramFailure(said, EXIT.unreachable);
  });
  leave(options.terminationLog, { ok: true, ...seen });
  if (options.output === 'json') return console.log(JSON.stringify(seen, null, 2));
  for (const line of linesOf(seen)) console.log(line);
}

function accessOf({ endpoint, pki, cacert, cert, key }: LookOptions): EtcdAccess {
  const files = { pki: pki ?? null, caFile: cacert ?? null, certFile: cert ?? null, keyFile: key ?? null };
  return { endpoints: [...new Set(endpoint)], ...files };
}

function linesOf({ members, alarms }: EtcdLook): readonly string[] {
  const rows = members.map((member) => [member.name, stateOf(member), sizeOf(member), member.version, member.at]);
  return [
    ...table([['MEMBER', 'STATE', 'DATABASE', 'VERSION', 'ASKED AT'], ...rows], ''),
    ...members.filter(({ silent }) => silent).map(({ name, silent }) => `${name}: ${silent}`),
    alarms.length > 0 ? `alarms: ${alarms.join(', ')}` : 'no alarm is raised',
  ];
}

function stateOf({ silent, learner, leads, led, leaders }: EtcdMember): string {
  if (silent) return 'silent';
  const role = learner ? 'learner' : leads ? 'leader' : led ? 'follower' : 'without leader';
  return leaders ? `${role}, ${leaders.count} leader changes seen` : role;
}

function sizeOf({ silent, dbBytes, quotaBytes }: EtcdMember): string {
  if (silent) return '';
  return quotaBytes > 0 ? `${size(dbBytes)} of ${size(quotaBytes)}` : size(dbBytes);
}

/** The words of silent members are shortened where there are many: who is silent matters most. */
function leave(file: string | undefined, message: object): void {
  if (!file) return;
  const whole = JSON.stringify(message);
  const short = (name: string, value: unknown) => (name === 'silent' ? String(value).slice(0, 60) : value);
  writeFileSync(file, whole.length <= MESSAGE_LIMIT ? whole : JSON.stringify(message, short));
}
