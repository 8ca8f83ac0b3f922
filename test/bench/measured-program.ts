import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const GRACE_MS = 10_000;

/** Several programs side by side on their own cores, where the machine has `taskset`; else wherever the kernel puts them. */
export const canPin = spawnSync('taskset', ['--version']).status === 0;

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Core it must stay on; null: any. */
  readonly core?: number | null;
  /** Opens a channel for messages of objects. */
  readonly channel?: boolean;
}

/**
 * A program of its own, with its log straight in a file: nothing it writes costs this process anything. `taskset` and
 * the shell in front of our programs both become what they start, so `pid` is the program itself.
 */
export class MeasuredProgram {
  readonly child: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(
    command: readonly string[],
    readonly options: ProgramOptions,
  ) {
    const { env, logFile, core = null, channel = false } = options;
    const pin = core !== null && canPin ? ['taskset', '-c', String(core)] : [];
    const [program = '', ...args] = [...pin, ...command];
    const log = openSync(logFile, 'a');
    this.child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: channel ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    });
    closeSync(log);
    this.ended = new Promise((resolve) => {
      this.child.once('exit', () => resolve());
      this.child.once('error', () => resolve());
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`not started; its log is ${this.options.logFile}`);
    return this.child.pid;
  }

  get log(): string {
    return readFileSync(this.options.logFile, 'utf8');
  }

  /** Asks `check` until it answers something; a program that ended meanwhile is named with its last words. */
  async until<T>(what: string, check: () => Promise<T | null>, everyMs = 20, withinMs = 60_000): Promise<T> {
    for (const until = performance.now() + withinMs; ; await sleep(everyMs)) {
      const answer = await check().catch(() => null);
      if (answer !== null) return answer;
      const gone = this.child.exitCode !== null || this.child.signalCode !== null;
      if (gone) throw new Error(`a program ended while waiting for ${what}:\n${this.log.slice(-2_000)}`);
      if (performance.now() > until) throw new Error(`waited ${withinMs / 1000} s in vain for ${what}`);
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

/** All threads of these processes may run anywhere again. */
export function unpin(pids: readonly number[], cores: number): void {
  if (!canPin) return;
  for (const pid of pids) spawnSync('taskset', ['-a', '-c', '-p', `0-${cores - 1}`, String(pid)]);
}
