import './process/tracing.js';
import 'reflect-metadata';
import { bannerText } from './process/banner.js';
import { readConfig } from './process/config.js';
import { startHub, type RunningHub } from './process/hub.js';
import { openLog } from './process/log.js';

const startedAt = performance.now() - process.uptime() * 1000;

async function main(): Promise<void> {
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

main().catch((error: unknown) => {
  const cause = error instanceof Error && error.cause ? `\n  because: ${String(error.cause)}` : '';
  process.stderr.write(`wavegate-hub: ${error instanceof Error ? error.message : String(error)}${cause}\n`);
  process.exit(1);
});
