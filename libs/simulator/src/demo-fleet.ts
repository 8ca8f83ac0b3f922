import type { FleetMember } from './fleet-generator.js';
import { specOf } from './fleet-generator.js';

/** What the demo upgrades to, and the patch on the way for clusters two minors behind. */
export const DEMO_TARGET = { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } } as const;

const REGIONS = ['fra', 'iad', 'sin'] as const;

/**
 * The demo's forty clusters: two rings (16 staging, 24 prod), three regions, two minors: every fifth is on 1.33 and
 * needs two hops. All are healthy: who gets which trouble is chosen once the waves are known (`castDemo`), because
 * the order of a rollout depends on the ids that the hub gives.
 */
export function demoFleet(speed: number): readonly FleetMember[] {
  return Array.from({ length: 40 }, (_, index) => {
    const env = index < 16 ? 'staging' : 'prod';
    const region = REGIONS[index % REGIONS.length] ?? 'fra';
    const number = Math.floor((index - (env === 'prod' ? 16 : 0)) / REGIONS.length) + 1;
    const name = `${env === 'prod' ? 'prd' : 'stg'}-${region}-${number}`;
    const version = index % 5 === 4 ? '1.33.8' : '1.34.4';
    const spec = specOf({ seed: 'demo', speed }, name, { labels: { env, region }, version, faults: {} });
    const size = { controlPlanes: env === 'prod' ? 3 : 1, workers: 2 + (index % 3), podsPerWorker: 2 } as const;
    // The demo judges four times a second: each of its periods must hold enough events to say anything.
    return { spec: { ...spec, ...size, traffic: 240_000 }, offline: false };
  });
}

export interface DemoCast {
  /** Its users are hurt after its node canary, in wave two: give it `DEMO_BURN`. */
  readonly burning: string;
  /** Its agent is stopped before the rollout starts. */
  readonly offline: string;
}

/** The fault of the burning cluster. */
export const DEMO_BURN = { sloBurnsAfter: 'nodeCanary' } as const;

interface Casting {
  readonly clusterName: string;
  readonly wave: number;
  readonly hops: readonly unknown[];
}

/**
 * Who plays which part, from the planned waves: the burning cluster needs one hop only, so that its fate is decided
 * early in wave two; the offline one stands in the last wave, so that its deadline passes while others work.
 */
export function castDemo(taking: readonly Casting[]): DemoCast {
  const last = Math.max(...taking.map(({ wave }) => wave));
  const burning = taking.find(({ wave, hops }) => wave === 2 && hops.length === 1);
  const offline = taking.find(({ wave, clusterName }) => wave === last && clusterName !== burning?.clusterName);
  if (!burning || !offline)
    throw new RangeError('the demo needs a second wave with a one-hop cluster, and a last wave');
  return { burning: burning.clusterName, offline: offline.clusterName };
}
