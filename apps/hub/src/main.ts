import './process/tracing.js';
import 'reflect-metadata';
import { makeAdminToken } from './process/admin-token.js';
import { bannerText } from './process/banner.js';
import { readConfig } from './process/config.js';
import { startHub, type RunningHub } from './process/hub.js';
import { openLog } from './process/log.js';

const startedAt = performance.now() - process.uptime() * 1000;

const HELP = `wavegate-hub: keeps the fleet's inventory and decides which cluster may start, and when.

  wavegate-hub               starts it; the first start prints an admin token, once
  wavegate-hub admin-token   makes an admin token, for when that one was lost; also beside a running hub

Settings come from the environment (WAVEGATE_HTTP, WAVEGATE_DATA_DIR, DATABASE_URL, …): docs/configuration.md.
`;

async function main(words: readonly string[]): Promise<void> {
  const [word] = words;
  if (word === '--help' || word === '-h' || word === 'help') return void process.stdout.write(HELP);
  if (word === 'admin-token') return void process.stdout.write(`${await makeAdminToken(readConfig(process.env))}\n`);
  if (word !== undefined) throw new Error(`"${words.join(' ')}" is no command of the hub\n\n${HELP}`);
  await serve();
}

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const log = openLog(config.logLevel);
  const hub = await startHub(config, log);
  process.stderr.write(bannerText({ ...hub.facts, startedInMs: performance.now() - startedAt }));
  log.info({ replica: config.replica }, 'ready');
  endOnSignal(hub);
}

function endOnSignal(hub: RunningHub): void {
  let ending = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (ending) process.exit(1);
      ending = true;
      void hub.close().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`wavegate-hub did not end cleanly: ${String(error)}\n`);
          process.exit(1);
        },
      );
    });
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const cause = error instanceof Error && error.cause ? `\n  because: ${String(error.cause)}` : '';
  process.stderr.write(`wavegate-hub: ${error instanceof Error ? error.message : String(error)}${cause}\n`);
  process.exit(1);
});
