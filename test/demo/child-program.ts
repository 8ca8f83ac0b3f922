import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';

/** A program of ours as a process of its own, with its log in a file: started, killed and started again. */
export class ChildProgram {
  private child: ChildProcess | null = null;
  private log: WriteStream | null = null;
  private expected = false;

  constructor(
    readonly name: string,
    private readonly command: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
    readonly logFile: string,
    private readonly onUnexpectedEnd: (message: string) => void,
  ) {}

  /** Lines of stderr go to `onLine`: what the program says to a person. */
  start(onLine: (line: string) => void = () => undefined): void {
    const [program = '', ...args] = this.command;
    this.expected = false;
    this.log ??= createWriteStream(this.logFile, { flags: 'a' });
    const child = spawn(program, args, { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    child.stdout.pipe(this.log, { end: false });
    child.stderr.on('data', (chunk: Buffer) => {
      this.log?.write(chunk);
      for (const line of chunk.toString('utf8').split('\n')) onLine(line);
    });
    child.once('exit', (code, signal) => {
      if (this.child !== child) return;
      this.child = null;
      if (!this.expected)
        this.onUnexpectedEnd(
          `${this.name} ended unexpectedly (${signal ?? `code ${code}`}); its log is ${this.logFile}`,
        );
    });
  }

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** As a crash would: no goodbye. */
  kill(): Promise<void> {
    return this.end('SIGKILL', 0);
  }

  /** Asks, and kills after `graceMs`. */
  stop(graceMs = 8_000): Promise<void> {
    return this.end('SIGTERM', graceMs);
  }

  private async end(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    const child = this.child;
    if (!child) return;
    this.expected = true;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = graceMs > 0 ? setTimeout(() => child.kill('SIGKILL'), graceMs) : undefined;
    await gone;
    clearTimeout(timer);
  }
}
