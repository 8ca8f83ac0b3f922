import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Ended by SIGKILL after this time; default ten minutes. */
  readonly withinMs?: number;
}

export interface CommandResult {
  /** -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that ended with another code than 0, with its last words. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly result: CommandResult;

  constructor(what: string, result: CommandResult) {
    const words = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-8).join('\n  ');
    super(`${what} ended with ${result.code}:\n  ${words}`);
    this.result = result;
  }
}

/** Runs it and keeps what it says; any exit code is an answer. */
export function tryCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { input, env, cwd, withinMs = 600_000 } = options;
  return new Promise((done, fail) => {
    const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, timeout: withinMs, killSignal: 'SIGKILL' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ENOENT' ? new Error(`${file} is not installed`) : error),
    );
    child.on('close', (code) =>
      done({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
    child.stdin.on('error', () => undefined); // a command may end before it has read everything
    child.stdin.end(input ?? '');
  });
}

/** What it printed; throws CommandFailed when it failed. */
export async function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await tryCommand(file, args, options);
  if (result.code !== 0) throw new CommandFailed(`${file} ${args.join(' ').slice(0, 160)}`, result);
  return result.stdout;
}
