import { EXIT } from './cli-failure.js';
import { runCommandLine } from './program.js';
import { processSurroundings } from './surroundings.js';

const interrupt = new AbortController();
process.on('SIGINT', () => {
  // The second time, whatever is still being waited for is not worth it.
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort();
  // A command that waits for an answer is not worth finishing; a moment is left for the last line to be written.
  setTimeout(() => process.exit(EXIT.interrupted), 200);
});
// `wavegate events | head`: the reader has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await runCommandLine(process.argv.slice(2), processSurroundings(interrupt.signal));
