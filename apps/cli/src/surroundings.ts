/** One of the two streams that a program writes to. */
export interface Terminal {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

/** Everything of the world that a command touches, so that tests run whole commands without a process or a hub. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Data, and nothing else. */
  readonly out: Terminal;
  /** Messages for the person. */
  readonly err: Terminal;
  readonly fetch: typeof fetch;
  readonly interrupted: AbortSignal;
  now(): number;
  /** Ends early when the person interrupts. */
  sleep(ms: number): Promise<void>;
  readInput(): Promise<string>;
}

/** The real ones. Long waits end with the interrupt, whose exit code main sets. */
export function processSurroundings(interrupted: AbortSignal): Surroundings {
  return {
    env: process.env,
    out: terminalOf(process.stdout),
    err: terminalOf(process.stderr),
    fetch: globalThis.fetch,
    interrupted,
    now: () => Date.now(),
    sleep: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(done, ms);
        interrupted.addEventListener('abort', done, { once: true });
        function done(): void {
          clearTimeout(timer);
          interrupted.removeEventListener('abort', done);
          resolve();
        }
      }),
    readInput,
  };
}

function terminalOf(stream: NodeJS.WriteStream): Terminal {
  return {
    get isTTY() {
      return stream.isTTY === true;
    },
    // Read each time: a window is resized while a rollout is watched.
    get columns() {
      return stream.columns || 80;
    },
    get rows() {
      return stream.rows || 24;
    },
    write: (text) => void stream.write(text),
  };
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
