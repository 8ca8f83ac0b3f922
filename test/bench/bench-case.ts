import type { FleetStage } from './fleet-stage.js';

/** A figure that issue or design names a limit for. `met` is judged on this run, on this machine. */
export interface Target {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly atMost: number;
}

/** What a case found: a short table for people, everything measured for machines. */
export interface CaseResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly targets: readonly Target[];
  /** How it was measured where a reader could take it for something else, and what was left out. */
  readonly notes: readonly string[];
  readonly raw: unknown;
}

export interface BenchWorld {
  /** The checkout. */
  readonly root: string;
  /** A private folder of this run, gone afterwards; other users may pass through it (PostgreSQL's). */
  readonly folder: string;
  /** A thousand enrolled agents, made once for the cases that need them. */
  readonly stage: FleetStage;
  say(line: string): void;
}

export interface BenchCase {
  readonly name: string;
  readonly title: string;
  run(world: BenchWorld): Promise<CaseResult>;
}

export function isMet({ measured, atMost }: Target): boolean {
  return measured <= atMost;
}
