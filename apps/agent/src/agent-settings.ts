import type { BackupSettings } from '@wavegate/kube';
import { LOG_LEVELS, type LogLevel } from './agent-log.js';
import { usage } from './program-failure.js';
import { readBackupSettings, type BackupRunOptions } from './verbs/backup-run-options.js';

/** Options of `run` as the command line and the environment give them: texts, or nothing. */
export interface RunOptions extends BackupRunOptions {
  readonly hubGateway?: string;
  readonly hubEnrolment?: string;
  readonly join?: string;
  readonly caSha256?: string;
  readonly identity?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  readonly nodeImage: string;
  readonly health?: string;
  readonly log: string;
  readonly packageMirror?: string;
  readonly settleMs?: string;
  readonly probe?: string;
  readonly lease?: string;
}

export interface HubAddress {
  readonly gateway: string;
  readonly enrolment: string;
  /** Null: no enrolment is possible, a stored identity must be there. */
  readonly caSha256: string | null;
}

export interface RunSettings {
  readonly hub: HubAddress;
  readonly joinToken: string | null;
  /** A directory; null keeps the identity in a Secret of the agent's namespace. */
  readonly identityDir: string | null;
  readonly kubeconfig: string | null;
  readonly context: string | null;
  readonly namespace: string;
  readonly nodeImage: string;
  /** Of packages, with `{minor}`: its admin's word as well. Null: plans that say `packages: mirror` are refused here. */
  readonly packageMirror: string | null;
  /** Where backups of this cluster go: its admin's word, never the hub's. */
  readonly backup: BackupSettings;
  readonly health: { readonly host: string; readonly port: number } | null;
  readonly log: LogLevel;
  /** Null: the engine's own. Only for worlds whose kubelets are played. */
  readonly settleMs: number | null;
  /** Our own requests to the API server, one pair a second. */
  readonly probe: boolean;
  /** Lease by which one of several agents works; null: this is the only one. */
  readonly lease: string | null;
}

/** Checks every option; throws a ProgramFailure that names the option, the value and what would be right. */
export function readSettings(options: RunOptions): RunSettings {
  return {
    hub: readHub({
      gateway: options.hubGateway,
      enrolment: options.hubEnrolment,
      caSha256: options.caSha256,
    }),
    joinToken: options.join ? readToken(options.join) : null,
    identityDir: options.identity ?? null,
    kubeconfig: options.kubeconfig ?? null,
    context: options.context ?? null,
    namespace: readNamespace(options.namespace),
    nodeImage: options.nodeImage,
    packageMirror: options.packageMirror ? readMirror(options.packageMirror) : null,
    backup: readBackupSettings(options),
    health: options.health ? readAddress('--health', options.health) : null,
    log: readLogLevel(options.log),
    settleMs: options.settleMs === undefined ? null : readMs(options.settleMs),
    probe: readSwitch('--probe', options.probe ?? 'on'),
    lease: options.lease ? readLease(options.lease) : null,
  };
}

export function readHub(given: {
  readonly gateway?: string | undefined;
  readonly enrolment?: string | undefined;
  readonly caSha256?: string | undefined;
}): HubAddress {
  if (!given.gateway) throw usage('--hub-gateway HOST:PORT is missing (or WAVEGATE_HUB_GATEWAY)');
  if (!given.enrolment) throw usage('--hub-enrolment HOST:PORT is missing (or WAVEGATE_HUB_ENROLMENT)');
  readAddress('--hub-gateway', given.gateway);
  readAddress('--hub-enrolment', given.enrolment);
  const pin = given.caSha256?.replace(/^sha256:/i, '').replaceAll(':', '') ?? null;
  if (pin !== null && !/^[0-9a-f]{64}$/i.test(pin)) {
    throw usage(`--ca-sha256 "${given.caSha256}": expected 64 hex digits, as the hub's join line shows them`);
  }
  return { gateway: given.gateway, enrolment: given.enrolment, caSha256: pin };
}

export function readAddress(option: string, text: string): { readonly host: string; readonly port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) throw usage(`${option} "${text}": expected HOST:PORT, for example hub.example:8443`);
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port };
}

export function readLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (!level) throw usage(`--log "${text}": expected one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

function readToken(text: string): string {
  // The token's value must not reach a log or a screen, not even in an error.
  if (!/^[\w-]+\.[\w-]+$/.test(text)) throw usage('--join: expected a join token "id.secret", as the hub printed it');
  return text;
}

function readNamespace(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) {
    throw usage(`--namespace "${text}": expected the name of a Kubernetes namespace`);
  }
  return text;
}

function readLease(text: string): string {
  if (/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw usage(`--lease "${text}": expected the name of a Lease, for example wavegate-agent`);
}

/** The same words that the step on the node takes; the minor must be in it, since each has a repository of its own. */
function readMirror(text: string): string {
  const shape = /^(https?:\/\/|file:\/)[A-Za-z0-9._~:/{}@%+-]+$/;
  if (shape.test(text) && text.includes('{minor}')) return text;
  throw usage(
    `--package-mirror "${text}": expected an address such as https://mirror.example/kubernetes/v{minor}/deb/`,
  );
}

function readSwitch(option: string, text: string): boolean {
  if (text !== 'on' && text !== 'off') throw usage(`${option} "${text}": expected on or off`);
  return text === 'on';
}

function readMs(text: string): number {
  const ms = Number(text);
  if (!Number.isInteger(ms) || ms < 0) throw usage(`--settle-ms "${text}": expected milliseconds`);
  return ms;
}
