import type { ClusterSpec } from '@wavegate/simulator';
import { readFileSync } from 'node:fs';
import { readHub, type HubAddress } from '../agent-settings.js';
import { usage } from '../program-failure.js';

export interface SimulatedMember {
  readonly spec: ClusterSpec;
  /** Join token; needed until the cluster has an identity. */
  readonly join: string | null;
  /** True: its agent is not running. Read again on SIGHUP. */
  readonly offline: boolean;
}

export interface SimulatedFleet {
  readonly hub: HubAddress;
  /** Identities, journals and the clusters themselves: what outlives the process. */
  readonly stateDir: string;
  readonly clusters: readonly SimulatedMember[];
}

/**
 * `{ hub: { gateway, enrolment, caSha256 }, stateDir, clusters: [{ spec, join, offline? }] }`; the spec is the
 * simulator's. Throws a ProgramFailure that says what is wrong with the file.
 */
export function readFleetFile(path: string): SimulatedFleet {
  const file = parse(path) as {
    readonly hub?: { readonly gateway?: string; readonly enrolment?: string; readonly caSha256?: string };
    readonly stateDir?: unknown;
    readonly clusters?: unknown;
  };
  if (typeof file.stateDir !== 'string' || file.stateDir === '') throw usage(`${path}: stateDir must name a directory`);
  if (!Array.isArray(file.clusters) || file.clusters.length === 0) throw usage(`${path}: clusters must list clusters`);
  const clusters = file.clusters.map((member: unknown, index) => readMember(path, index, member));
  const names = clusters.map(({ spec }) => spec.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw usage(`${path}: cluster ${twice} is listed twice`);
  return { hub: readHub(file.hub ?? {}), stateDir: file.stateDir, clusters };
}

function readMember(path: string, index: number, member: unknown): SimulatedMember {
  const { spec, join, offline } = (member ?? {}) as Record<string, unknown>;
  const given = (spec ?? {}) as Partial<Record<keyof ClusterSpec, unknown>>;
  const texts = [given.seed, given.name, given.uid, given.version];
  if (!texts.every((text) => typeof text === 'string' && text !== '') || typeof given.workers !== 'number') {
    throw usage(`${path}: clusters[${index}].spec is no simulated cluster (seed, name, uid, version, workers, …)`);
  }
  if (!/^[\w.-]+$/.test(String(given.name))) throw usage(`${path}: clusters[${index}].spec.name names a folder too`);
  return { spec: spec as ClusterSpec, join: typeof join === 'string' ? join : null, offline: offline === true };
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw usage(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
