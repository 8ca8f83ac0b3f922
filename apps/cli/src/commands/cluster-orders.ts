import { InvalidArgumentError, Option, type Command } from 'commander';
import { CliFailure, EXIT } from '../cli-failure.js';
import type { OrderRequest } from '../gen/types.gen.js';
import * as api from '../gen/sdk.gen.js';
import { ask } from '../hub-client.js';
import { renderOrder } from '../screens/order-screen.js';
import { answering, type OutputFormat, type Session } from '../session.js';
import { watchOrder } from '../watch-order.js';

interface Asking {
  readonly output: OutputFormat;
  readonly wait: boolean;
  readonly plan?: string;
}

const BACKUPS = ['etcd', 'velero', 'manifests'] as const;

/** What one cluster is asked to do, now; each is an order, durable at the hub before it is answered, and audited. */
export function addClusterOrders(clusters: Command, session: Session): void {
  addPreflight(clusters, session);
  addPrefetch(clusters, session);
  addDrain(clusters, session);
  addBackup(clusters, session);
  addRestore(clusters, session);
}

/** A subcommand that makes an order and, unless told otherwise, looks on until it has ended. */
function asking(clusters: Command, usage: string, summary: string): Command {
  return answering(clusters, usage, summary)
    .option('--plan <plan>', 'take the policies of this stored plan (name or digest)')
    .option('--no-wait', 'only ask; look later by `wavegate orders get`');
}

async function send(session: Session, cluster: string, body: OrderRequest, how: Asking): Promise<void> {
  const order = await ask(api.requestOrder({ client: session.client(), path: { cluster }, body }));
  const json = how.output === 'json';
  if (how.wait) return watchOrder(session, order, { json });
  if (json) return session.printJson(order);
  session.print(renderOrder(order, session.screen()));
  session.tell(`Next: wavegate orders get ${order.id.slice(0, 8)}`);
}

interface PreflightOptions extends Asking {
  readonly target?: string;
  readonly via: Readonly<Record<string, string>>;
}

function addPreflight(clusters: Command, session: Session): void {
  asking(clusters, 'preflight <name>', 'Look for what would make an upgrade fail or hang; changes nothing')
    .option('--target <version>', 'version to look ahead to; its own unless told')
    .option(
      '--via <minor=version>',
      'patch of a minor on the way, for example 1.34=1.34.4 (repeatable)',
      collectPair,
      {},
    )
    .action(async (cluster: string, how: PreflightOptions) => {
      const { target, via } = how;
      const ahead = { ...(target === undefined ? {} : { target }), ...(Object.keys(via).length > 0 ? { via } : {}) };
      await send(session, cluster, { kind: 'preflight', ...planOf(how), ...ahead }, how);
    });
}

interface PrefetchOptions extends PreflightOptions {
  readonly packages?: string;
}

function addPrefetch(clusters: Command, session: Session): void {
  asking(clusters, 'prefetch <name> [nodes...]', 'Lay the next version onto every node (or these), days ahead')
    .option('--target <version>', 'version to go to; the next hop towards it is fetched')
    .option(
      '--via <minor=version>',
      'patch of a minor on the way, for example 1.34=1.34.4 (repeatable)',
      collectPair,
      {},
    )
    .addOption(
      new Option('--packages <from>', "the nodes' own repository (the default), or another").choices([
        ...['node', 'upstream', 'mirror', 'offline'],
      ]),
    )
    .action(async (cluster: string, nodes: readonly string[], how: PrefetchOptions) => {
      const { target, via, packages } = how;
      if (target === undefined && how.plan === undefined) {
        throw new CliFailure('which version? --target 1.35.4, or --plan NAME', EXIT.usage);
      }
      const ahead = { ...(target === undefined ? {} : { target }), ...(Object.keys(via).length > 0 ? { via } : {}) };
      const upgrade = packages === undefined ? {} : { upgrade: { packages } };
      const args = { nodes: [...nodes] };
      await send(session, cluster, { kind: 'prefetch', args, ...planOf(how), ...ahead, ...upgrade }, how);
    });
}

interface DrainOptions extends Asking {
  readonly timeout?: string;
  readonly onTimeout?: string;
  readonly pace?: string;
  readonly deleteEmptyDir: readonly string[];
  readonly evictUnmanaged: readonly string[];
  readonly singleNode?: true;
  readonly uncordonAfter?: true;
}

function addDrain(clusters: Command, session: Session): void {
  asking(clusters, 'drain <name> <node>', 'Cordon a node and evict what runs on it; never against a PDB')
    .option('--timeout <duration>', 'give up after this, for example 15m (the default)')
    .addOption(
      new Option('--on-timeout <what>', 'then: ask a person and go on once it is clear, or end').choices([
        ...['pause', 'skipNode', 'failCluster'],
      ]),
    )
    .option('--pace <rate>', 'evictions per second, for example 5/s (the default)')
    .option('--delete-empty-dir <namespace>', 'consent: pods there lose their emptyDir (repeatable)', collect, [])
    .option('--evict-unmanaged <namespace>', 'consent: pods there have no controller to make them again', collect, [])
    .option('--single-node', 'consent: it may be the last node that takes pods')
    .option('--uncordon-after', 'open the node again once it was empty')
    .action(async (cluster: string, node: string, how: DrainOptions) => {
      const args = { node, ...(how.uncordonAfter ? { uncordonAfter: true } : {}) };
      const drain = drainPolicies(how);
      const policies = {
        ...(Object.keys(drain).length > 0 ? { drain } : {}),
        ...(how.singleNode ? { topology: 'singleNode' } : {}),
      };
      await send(session, cluster, { kind: 'drain', args, ...planOf(how), ...policies }, how);
    });
}

/** Only what was said: the plan's defaults are the hub's to fill in. */
function drainPolicies({ timeout, onTimeout, pace, deleteEmptyDir, evictUnmanaged }: DrainOptions) {
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(onTimeout === undefined ? {} : { onTimeout }),
    ...(pace === undefined ? {} : { pace }),
    ...(deleteEmptyDir.length > 0 ? { deleteEmptyDir: { namespaces: [...deleteEmptyDir] } } : {}),
    ...(evictUnmanaged.length > 0 ? { evictUnmanaged: { namespaces: [...evictUnmanaged] } } : {}),
  };
}

interface BackupOptions extends Asking {
  readonly namespace: readonly string[];
  readonly selector?: string;
  readonly ttl?: number;
  readonly as?: string;
  readonly verify?: string;
  readonly canary?: string;
  readonly proveLatest?: true;
}

function addBackup(clusters: Command, session: Session): void {
  asking(clusters, 'backup <name> <what>', 'Back up etcd, velero (volumes too) or manifests, and prove it')
    .option('-n, --namespace <namespace>', 'only this namespace (repeatable); not for etcd', collect, [])
    .option('-l, --selector <selector>', 'only objects with these labels; not for etcd')
    .option('--ttl <duration>', 'keep it so long, for example 30d', duration)
    .option('--as <name>', 'name of the backup; made from the order unless told')
    .addOption(
      new Option('--verify <how>', 'etcd: restored for proof, or looked at only').choices(['restore', 'status']),
    )
    .option('--canary <namespace>', 'velero: restore this namespace into a scratch one and compare')
    .option('--prove-latest', 'take none: prove the newest stored one again (a restore drill; etcd, velero)')
    .action(async (cluster: string, what: string, how: BackupOptions) => {
      if (!isBackup(what)) {
        throw new CliFailure(`"${what}" cannot be backed up; write one of ${BACKUPS.join(', ')}`, EXIT.usage);
      }
      const { namespace, selector, ttl, as } = how;
      const args = {
        ...{ what, namespaces: [...namespace] },
        ...(selector === undefined ? {} : { selector }),
        ...(ttl === undefined ? {} : { ttlMs: ttl }),
        ...(as === undefined ? {} : { name: as }),
        ...(how.proveLatest ? { prove: 'latest' as const } : {}),
      };
      await send(session, cluster, { kind: 'backup', args, ...planOf(how), ...backupPolicies(how) }, how);
    });
}

const isBackup = (what: string): what is (typeof BACKUPS)[number] => (BACKUPS as readonly string[]).includes(what);

function backupPolicies({ verify, canary }: BackupOptions) {
  const backup = {
    ...(verify === undefined ? {} : { etcd: { verify } }),
    ...(canary === undefined ? {} : { velero: { canary } }),
  };
  return Object.keys(backup).length > 0 ? { backup } : {};
}

interface RestoreOptions extends Asking {
  readonly into: Readonly<Record<string, string>>;
  readonly preview?: true;
}

function addRestore(clusters: Command, session: Session): void {
  asking(clusters, 'restore <name> <backup>', 'Restore from a Velero backup; --preview only says what it would do')
    .option('--into <from=to>', 'restore this namespace into another one (repeatable)', collectPair, {})
    .option('--preview', 'change nothing, say what would be restored')
    .action(async (cluster: string, from: string, how: RestoreOptions) => {
      const args = { from, namespaceMapping: { ...how.into }, ...(how.preview ? { preview: true } : {}) };
      await send(session, cluster, { kind: 'restore', args, ...planOf(how) }, how);
    });
}

function planOf({ plan }: Asking): { plan?: string } {
  return plan === undefined ? {} : { plan };
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function collectPair(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('Write from=to.');
  return { ...before, [key]: value };
}

/** Milliseconds of "90m", "24h" or "30d". */
export function duration(text: string): number {
  const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) throw new InvalidArgumentError('Write a duration such as 24h or 30d.');
  return Number(count) * (units[unit] ?? 0);
}
