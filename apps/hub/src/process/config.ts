import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'must be HOST:PORT, for example 127.0.0.1:8080');

const EnvSchema = z.object({
  WAVEGATE_HTTP: address.default('127.0.0.1:8080'),
  WAVEGATE_GATEWAY: address.default('127.0.0.1:8443'),
  WAVEGATE_ENROLMENT: address.default('127.0.0.1:8444'),
  /** Host names and addresses under which agents reach the listeners, comma-separated: they enter the server certificate. */
  WAVEGATE_AGENT_NAMES: z.string().default('localhost,127.0.0.1'),
  /** What join lines tell agents to dial; the listeners' own addresses where left out. */
  WAVEGATE_PUBLIC_GATEWAY: address.optional(),
  WAVEGATE_PUBLIC_ENROLMENT: address.optional(),
  /** The agent's chart as join lines name it to helm: an oci:// address, REPO/CHART or a folder. */
  WAVEGATE_AGENT_CHART: z
    .string()
    .regex(/^[^\s'"]+$/, 'must be one word, for example oci://registry.example/charts/wavegate-agent')
    .default('deploy/charts/agent'),
  WAVEGATE_DATA_DIR: z.string().optional(),
  DATABASE_URL: z.string().optional(),
  DATABASE_URL_FILE: z.string().optional(),
  WAVEGATE_REPLICA: z.string().optional(),
  WAVEGATE_LOG: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** An agent silent for this long is lost; seconds. */
  WAVEGATE_AGENT_LOST_AFTER_S: z.coerce.number().min(1).default(60),
  WAVEGATE_LEASE_S: z.coerce.number().min(1).default(15),
  /** Largest life of an agent's certificate; hours. */
  WAVEGATE_CERTIFICATE_HOURS: z.coerce.number().min(0.001).max(24).default(24),
  /** Ends or stops the process at a named point, for the tests of catastrophes; see crash-points.ts. */
  WAVEGATE_CRASH_AT: z.string().optional(),
});

export interface HubConfig {
  readonly http: HostPort;
  readonly gateway: HostPort;
  readonly enrolment: HostPort;
  readonly agentNames: readonly string[];
  readonly publicGateway: string;
  readonly publicEnrolment: string;
  readonly agentChart: string;
  readonly dataDir: string;
  readonly databaseUrl: string | null;
  readonly replica: string;
  readonly logLevel: string;
  readonly lostAfterMs: number;
  readonly leaseMs: number;
  readonly certificateMs: number;
  readonly crashAt: string | null;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Reads the environment; every error at once, each with the variable's name and what would be right. */
export function readConfig(env: NodeJS.ProcessEnv): HubConfig {
  const read = EnvSchema.safeParse(env);
  if (!read.success) {
    const lines = read.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The hub's settings are not valid:\n${lines.join('\n')}`);
  }
  const set = read.data;
  const publicGateway = set.WAVEGATE_PUBLIC_GATEWAY ?? set.WAVEGATE_GATEWAY;
  const publicEnrolment = set.WAVEGATE_PUBLIC_ENROLMENT ?? set.WAVEGATE_ENROLMENT;
  return {
    http: hostPort(set.WAVEGATE_HTTP),
    gateway: hostPort(set.WAVEGATE_GATEWAY),
    enrolment: hostPort(set.WAVEGATE_ENROLMENT),
    agentNames: namesOf(set.WAVEGATE_AGENT_NAMES, [publicGateway, publicEnrolment]),
    publicGateway,
    publicEnrolment,
    agentChart: set.WAVEGATE_AGENT_CHART,
    dataDir: path.resolve(set.WAVEGATE_DATA_DIR ?? defaultDataDir(env)),
    databaseUrl: databaseUrl(set),
    replica: set.WAVEGATE_REPLICA ?? `${hostname()}-${process.pid}`,
    logLevel: set.WAVEGATE_LOG,
    lostAfterMs: set.WAVEGATE_AGENT_LOST_AFTER_S * 1000,
    leaseMs: set.WAVEGATE_LEASE_S * 1000,
    certificateMs: set.WAVEGATE_CERTIFICATE_HOURS * 3_600_000,
    crashAt: set.WAVEGATE_CRASH_AT ?? null,
  };
}

/** What agents are told to dial must stand in the certificate that answers there. */
function namesOf(listed: string, dialled: readonly string[]): readonly string[] {
  const names = listed.split(',').map((name) => name.trim());
  return [...new Set([...names, ...dialled.map((address) => hostPort(address).host)])].filter(Boolean);
}

function databaseUrl(set: z.infer<typeof EnvSchema>): string | null {
  if (set.DATABASE_URL_FILE) return readFileSync(set.DATABASE_URL_FILE, 'utf8').trim();
  return set.DATABASE_URL ?? null;
}

/** As root the embedded server runs as another user, who cannot reach /root. */
function defaultDataDir(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/wavegate';
  return path.join(env.XDG_DATA_HOME ?? path.join(env.HOME ?? '.', '.local', 'share'), 'wavegate');
}

function hostPort(text: string): HostPort {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}
