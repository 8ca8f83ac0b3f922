import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Ends what the pid file names as soon as this process is gone, however it went: also by SIGKILL. */
const WATCHDOG = 'cat >/dev/null; for pid in $(cat "$1"); do kill -9 "$pid" 2>/dev/null; done';

/** The programs of one cluster: each logs to its own file, all are recorded by pid and none outlives the test. */
export class ChildPrograms {
  readonly #dir: string;
  readonly #children = new Map<string, ChildProcess>();
  #watchdog: ChildProcess | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(join(dir, 'logs'), { recursive: true });
  }

  logFile(name: string): string {
    return join(this.#dir, 'logs', `${name}.log`);
  }

  /** The last lines of a program's log, for the message of a failure. */
  tail(name: string, lines = 6): string {
    const text = readFileSync(this.logFile(name), 'utf8').trimEnd();
    return `${text.split('\n').slice(-lines).join('\n')}\n(log: ${this.logFile(name)})`;
  }

  start(name: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
    if (this.isRunning(name)) throw new Error(`${name} is running already`);
    const log = openSync(this.logFile(name), 'a');
    // Its own process group: a Ctrl-C in the terminal must reach the test first, not its servers.
    const child = spawn(file, args, {
      cwd: this.#dir,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    child.on('error', () => undefined); // seen as "not running" by whoever waits for it
    // An id is another process's soon after: the watchdog must not be left with it.
    child.on('exit', () => existsSync(this.#dir) && this.#record());
    this.#children.set(name, child);
    if (child.pid === undefined) throw new Error(`cannot start ${file}`);
    this.#record();
    this.#watch();
  }

  pid(name: string): number | undefined {
    return this.isRunning(name) ? this.#children.get(name)?.pid : undefined;
  }

  /** How it ended by itself; null while it runs, or after a signal. */
  exitCode(name: string): number | null {
    return this.#children.get(name)?.exitCode ?? null;
  }

  isRunning(name: string): boolean {
    const child = this.#children.get(name);
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Those that ended without being told to, each with the end of its log; empty when all is well. */
  fallen(): readonly string[] {
    const names = [...this.#children.keys()].filter((name) => !this.isRunning(name));
    return names.map((name) => `${name} ended by itself:\n${this.tail(name)}`);
  }

  /** SIGTERM, then SIGKILL after the grace: an API server takes 30 s to leave while watchers are connected. */
  async stop(name: string, graceMs = 1_000): Promise<void> {
    const child = this.#children.get(name);
    if (!child || !this.isRunning(name)) return;
    const gone = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill(graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
    // Ended with the child: a timer of 30 s left behind would keep jest alive after its tests.
    const impatience = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(impatience);
    this.#children.delete(name);
    this.#record();
  }

  async stopAll(): Promise<void> {
    // Nothing of a test cluster is worth a tidy end: its data is thrown away.
    await Promise.all([...this.#children.keys()].map((name) => this.stop(name, 0)));
    this.#watchdog?.stdin?.end();
  }

  #record(): void {
    const running = [...this.#children.keys()].filter((name) => this.isRunning(name));
    const pids = running.map((name) => this.#children.get(name)?.pid);
    writeFileSync(join(this.#dir, 'pids'), pids.map((pid) => `${pid}\n`).join(''));
  }

  #watch(): void {
    if (this.#watchdog) return;
    const stdio = ['pipe', 'ignore', 'ignore'] as const;
    this.#watchdog = spawn('sh', ['-c', WATCHDOG, 'watchdog', join(this.#dir, 'pids')], {
      stdio: [...stdio],
      detached: true,
    });
    this.#watchdog.stdin?.on('error', () => undefined);
    this.#watchdog.unref();
  }
}
