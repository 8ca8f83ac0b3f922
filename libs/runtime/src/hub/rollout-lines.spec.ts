import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import type { HubLog } from './ports.js';
import { logDecisions, logIgnored } from './rollout-lines.js';
import { sampleRollout } from './testing/sample-rollout.js';

function written() {
  const lines: (readonly [string, Readonly<Record<string, unknown>> | undefined])[] = [];
  const say = (text: string, fields?: Readonly<Record<string, unknown>>) => void lines.push([text, fields]);
  const log: HubLog = { info: say, warn: say, error: say };
  return { log, lines };
}

const rollout = (() => {
  const { head, clusters } = sampleRollout('r1', ['c1'], 1);
  return { head, clusters: new Map(clusters) };
})();
const about = { rollout: 'r1', cluster: 'c1', name: 'name-c1', attempt: 1 };

describe('lines of the log about a rollout', () => {
  it('a decision about a cluster → rollout, cluster and attempt, and the reason’s code', () => {
    const { log, lines } = written();
    const detail = { rollout: 'r1', cluster: 'c1', state: 'blocked', reason: reason('agent_returned') };
    logDecisions(log, rollout, [{ actor: 'engine', action: 'rollout.clusterEnded', object: 'rollout/r1', detail }]);
    const fields = { ...about, state: 'blocked', reason: 'agent_returned', actor: 'engine' };
    expect(lines).toEqual([['rollout.clusterEnded', fields]]);
  });

  it('an order → the order’s own attempt and its id', () => {
    const { log, lines } = written();
    const detail = { rollout: 'r1', cluster: 'c1', attempt: 2 };
    logDecisions(log, rollout, [{ actor: 'engine', action: 'order.inserted', object: 'order/o1', detail }]);
    expect(lines).toEqual([['order.inserted', { ...about, attempt: 2, order: 'o1', actor: 'engine' }]]);
  });

  it('a person’s command → who said it, and no cluster', () => {
    const { log, lines } = written();
    const detail = { rollout: 'r1', by: 'ada', state: 'paused' };
    logDecisions(log, rollout, [{ actor: 'ada', action: 'rollout.paused', object: 'rollout/r1', detail }]);
    expect(lines).toEqual([['rollout.paused', { rollout: 'r1', state: 'paused', actor: 'ada' }]]);
  });

  it('what every cluster says in its turn → no line', () => {
    const { log, lines } = written();
    const quiet = ['rollout.orderStarted', 'rollout.woke'];
    logDecisions(
      log,
      rollout,
      quiet.map((action) => ({ actor: 'engine', action, object: 'rollout/r1', detail: {} })),
    );
    expect(lines).toEqual([]);
  });

  it('an event that did not fit → which, of whom and why; a cluster nobody knows keeps its id', () => {
    const { log, lines } = written();
    const rows = ['c1', 'c9'].map((clusterId, seq) => ({
      seq,
      at: 1,
      event: { kind: 'agentLost' as const, clusterId },
    }));
    logIgnored(log, rollout, rows, [
      { seq: 0, kind: 'agentLost', why: 'older' },
      { seq: 1, kind: 'agentLost', why: 'unknown' },
      { seq: null, kind: 'woke', why: 'over' },
    ]);
    expect(lines.map(([, fields]) => fields)).toEqual([
      { ...about, seq: 0, event: 'agentLost', why: 'older' },
      { rollout: 'r1', cluster: 'c9', seq: 1, event: 'agentLost', why: 'unknown' },
      { rollout: 'r1', seq: null, event: 'woke', why: 'over' },
    ]);
  });
});
