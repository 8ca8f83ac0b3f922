import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** What a figure is worth nothing without. */
export interface MachineClass {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** One-minute load average before the first case: above zero, others were working on the same cores. */
  readonly loadBefore: number;
  readonly date: string;
  readonly commit: string;
}

export function machineClass(root: string): MachineClass {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    loadBefore: loadavg()[0] ?? Number.NaN,
    date: new Date().toISOString(),
    commit: commitOf(root),
  };
}

/** "unknown" outside a checkout; "+" where files differ from the commit. */
function commitOf(root: string): string {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
