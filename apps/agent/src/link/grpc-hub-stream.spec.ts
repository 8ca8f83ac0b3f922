import { describe, expect, it } from '@jest/globals';
import type { Receipt } from '@wavegate/fleet';
import type { Welcome } from '@wavegate/protocol';
import { GrpcHubStream, type HubCall } from './grpc-hub-stream.js';

const receipt: Receipt = {
  ...{ node: 'cp-1', path: '/b', sha256: 'ab', revision: 1, totalKeys: 1, sizeBytes: 1, takenAt: 1 },
  verified: 'restore',
};
const WELCOME: Welcome = {
  ...{ generation: 1, clusterId: 'c-1', heartbeatMs: 60_000, window: 8, hubTime: 0, endsAt: 1 },
};

/** A stream that nobody answers, and what was written to it. */
function stream(welcome: Welcome) {
  const written: string[] = [];
  const call = {
    on: () => call,
    write: ({ body }: { body: { case: string } }) => written.push(body.case) > 0,
    end: () => undefined,
    cancel: () => undefined,
  };
  const client = { close: () => undefined } as never;
  const options = { call: call as unknown as HubCall, client, welcome, silenceMs: 60_000, onEnd: () => undefined };
  return { written, hub: new GrpcHubStream(options) };
}

describe('receipts on the wire', () => {
  it('to a hub that takes them → written, and kept until it acknowledges', async () => {
    const { written, hub } = stream({ ...WELCOME, takes: ['receipt'] });
    const sent = hub.send({ kind: 'receipt', orderId: 'o-1', receipt });
    expect(written).toEqual(['receipt']);
    hub.close();
    await expect(sent).rejects.toThrow('closed by the agent');
  });

  it('to a hub of an older release → not sent: it would end the stream over them, at every resend', async () => {
    const { written, hub } = stream(WELCOME);
    await hub.send({ kind: 'receipt', orderId: 'o-1', receipt });
    expect(written).toEqual([]);
    hub.close();
  });
});
