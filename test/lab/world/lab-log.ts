const startedAt = Date.now();

/** One line for the person who waits, with the seconds since the start. stderr: stdout belongs to answers. */
export function say(line: string): void {
  const seconds = String(Math.round((Date.now() - startedAt) / 1000)).padStart(4);
  process.stderr.write(`[lab ${seconds} s] ${line}\n`);
}

/** Says what is waited for before, and how long it took after. */
export async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const from = Date.now();
  const done = await work();
  say(`${what}: done in ${((Date.now() - from) / 1000).toFixed(1)} s`);
  return done;
}
