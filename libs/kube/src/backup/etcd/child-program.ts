import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { BackupFailed, messageOf } from '../backup-failed.js';

const LAST_WORDS = 2_000;

/** Runs a program to its end; its last words are the message when it fails. */
export function runProgram(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = (stderr || stdout || messageOf(error)).trim().slice(-LAST_WORDS);
      reject(new Error(lastLine(said) || messageOf(error), { cause: error }));
    });
  });
}

/** etcd and its tools log JSON; the line that says why is the one with an error, or the last. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter(Boolean);
  return lines.findLast((line) => line.startsWith('Error:')) ?? lines.at(-1) ?? '';
}

/** A server for a moment: started, waited for, and gone with all that it wrote. */
export class MomentaryServer {
  private readonly child: ChildProcess;
  private words = '';
  private ended: string | null = null;

  constructor(
    private readonly what: string,
    file: string,
    args: readonly string[],
    cwd: string,
  ) {
    this.child = spawn(file, [...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin' } });
    const hear = (chunk: Buffer): void => void (this.words = (this.words + chunk.toString()).slice(-LAST_WORDS));
    this.child.stdout?.on('data', hear);
    this.child.stderr?.on('data', hear);
    this.child.on('error', (error) => (this.ended = error.message));
    this.child.on('exit', (code, signal) => (this.ended ??= `it ended with ${signal ?? `exit code ${code}`}`));
  }

  /** Asks until `ready` says so; throws with its last words when it ends before, or takes longer than the bound. */
  async until(ready: () => Promise<boolean>, boundMs: number): Promise<void> {
    const deadline = Date.now() + boundMs;
    for (;;) {
      if (this.ended !== null) throw this.failure(this.ended);
      if (await ready().catch(() => false)) return;
      if (Date.now() > deadline) throw this.failure(`it was not ready within ${boundMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    // Nothing of it is worth a tidy end: it lived on a copy.
    this.child.kill('SIGKILL');
    await gone;
  }

  private failure(why: string): BackupFailed {
    const last = this.words.trim().split('\n').slice(-3).join(' | ');
    return new BackupFailed(
      'not_restorable',
      `${this.what} did not come up: ${why}. Its last words: ${last || 'none'}`,
    );
  }
}
