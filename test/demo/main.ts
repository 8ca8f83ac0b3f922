import path from 'node:path';
import { checkExpectations } from './expectations.js';
import { DemoWorld } from './demo-world.js';
import { Screen } from './screen.js';
import { playDemo, type DemoRecord } from './story.js';

/** `make demo`: exit code 0 only if every expectation held. `--keep` leaves it running until Ctrl-C. */
async function main(): Promise<number> {
  const keep = process.argv.includes('--keep');
  const root = process.env.WAVEGATE_ROOT ?? process.cwd();
  const screen = new Screen(process.stdout);
  const startedAt = Date.now();
  const world = await DemoWorld.make(path.resolve(root), (message) => screen.say(`! ${message}`));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void world.stop().then(() => process.exit(130)));
  try {
    const record = await playDemo(world, screen);
    const good = summarise(screen, record, world, startedAt);
    if (keep) await keepRunning(screen, world);
    return good ? 0 : 1;
  } catch (error) {
    screen.say(
      `The demo failed: ${error instanceof Error ? error.message : String(error)}\nLogs are in ${world.folder}.`,
    );
    return 1;
  } finally {
    await world.stop();
  }
}

function summarise(screen: Screen, record: DemoRecord, world: DemoWorld, startedAt: number): boolean {
  const expectations = checkExpectations(record);
  const lines = expectations.map(
    ({ held, text, seen }) => `  ${held ? '✔' : '✘'} ${text}${held ? '' : `   (seen: ${seen})`}`,
  );
  const burning = record.clusters.find(({ name }) => name === record.cast.burning);
  screen.say(['', ...lines, '', `  ${record.cast.burning}: ${burning?.outcome?.text ?? 'no outcome'}`].join('\n'));
  screen.say(
    `\nREST ${world.hubUrl}/api/v1 (rollout ${record.rollout.id}), logs in ${world.folder}. ${((Date.now() - startedAt) / 1000).toFixed(0)} s.`,
  );
  return expectations.every(({ held }) => held);
}

async function keepRunning(screen: Screen, world: DemoWorld): Promise<void> {
  screen.say(
    `Still running (--keep): ${world.hubUrl}/api is the documentation. Ctrl-C ends it.\n  export WAVEGATE_URL=${world.hubUrl} WAVEGATE_TOKEN=${world.adminToken}`,
  );
  await new Promise(() => undefined);
}

process.exitCode = await main();
