import type { DemoRecord } from './story.js';

export interface Expectation {
  readonly text: string;
  readonly held: boolean;
  readonly seen: string;
}

/** What the demo must have shown; each is a sentence, and each can fail. */
export function checkExpectations(record: DemoRecord): readonly Expectation[] {
  const { rollout, clusters, cast } = record;
  const burning = clusters.find(({ name }) => name === cast.burning);
  const offline = clusters.find(({ name }) => name === cast.offline);
  const upgraded = clusters.filter(({ outcome }) => outcome?.kind === 'upgraded');
  const others = clusters.filter(({ name }) => name !== cast.burning && name !== cast.offline);
  const plane = Object.entries(burning?.outcome?.standing ?? {}).filter(
    ([part]) => part.startsWith('kube-apiserver') || part.startsWith('apiserver'),
  );
  return [
    expect(
      'four waves, all passed',
      rollout.waves.length === 4 && rollout.waves.every(({ phase }) => phase === 'passed'),
      rollout.waves.map(({ phase }) => phase).join(', '),
    ),
    expect('the rollout finished', rollout.state === 'finished', rollout.state),
    expect(
      `all ${others.length} other clusters run 1.35.4`,
      others.every(({ outcome }) => outcome?.kind === 'upgraded'),
      `${upgraded.length} upgraded`,
    ),
    expect(
      `${cast.burning} took its workers back by itself (rung 2)`,
      burning?.outcome?.kind === 'rolledBack' && burning.outcome.rung === 2,
      burning?.outcome?.text ?? 'no outcome',
    ),
    expect(
      'its control plane stays at 1.35.4, and the outcome says so',
      plane.length > 0 &&
        plane.every(([, version]) => version === '1.35.4') &&
        (burning?.outcome?.stays ?? []).some((part) => part.includes('1.35.4')),
      (burning?.outcome?.stays ?? []).join(', '),
    ),
    expect(
      `${cast.offline} was skipped by the offline policy`,
      offline?.outcome?.kind === 'skipped' && offline.outcome.reason?.code === 'offline_skipped',
      offline?.outcome?.text ?? 'no outcome',
    ),
    expect(
      'an agent process was killed and came back',
      record.killedHost !== '',
      record.killedHost || 'none was killed',
    ),
    expect(
      'the hub was killed and came back',
      record.hubKilledAtDone >= 0 && rollout.done > record.hubKilledAtDone,
      `killed with ${record.hubKilledAtDone} done, ended with ${rollout.done}`,
    ),
    expect(
      'never more than 14 clusters in flight',
      record.maxInFlightSeen > 0 && record.maxInFlightSeen <= 14,
      `${record.maxInFlightSeen} at most`,
    ),
    expect(
      'no cluster began before its wave',
      record.earlyStarts.length === 0,
      record.earlyStarts.join(', ') || 'none',
    ),
  ];
}

function expect(text: string, held: boolean, seen: string): Expectation {
  return { text, held, seen };
}
