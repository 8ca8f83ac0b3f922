import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromWireCommand, toWireCommand, type HubBody } from './command-mapper.js';
import {
  AgentMessageSchema,
  HubMessageSchema,
  type AgentMessage,
  type HubMessage,
} from './gen/wavegate/agent/v1/gateway_pb.js';
import { fromWireReport, toWireReport, type AgentBody } from './report-mapper.js';
import { fromWireHello, fromWireWelcome, toWireHello, toWireWelcome } from './session-mapper.js';
import { commands, facts, reports } from './testing/arbitrary-words.js';
import { WireProblem } from './wire-problem.js';

function overAgentWire(body: AgentBody): AgentMessage {
  return fromBinary(AgentMessageSchema, toBinary(AgentMessageSchema, create(AgentMessageSchema, { seq: 1n, body })));
}

function overHubWire(body: HubBody): HubMessage {
  return fromBinary(HubMessageSchema, toBinary(HubMessageSchema, create(HubMessageSchema, { seq: 1n, body })));
}

function reasonOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof WireProblem) return error.reason.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('the words of the fleet over the wire', () => {
  it('every report arrives as it was sent', () => {
    fc.assert(
      fc.property(reports, (report) => {
        expect(fromWireReport(overAgentWire(toWireReport(report)).body)).toEqual(report);
      }),
    );
  });

  it('every command arrives as it was sent', () => {
    fc.assert(
      fc.property(commands, (command) => {
        expect(fromWireCommand(overHubWire(toWireCommand(command)).body)).toEqual(command);
      }),
    );
  });

  it('hello and welcome arrive as they were sent', () => {
    const nat = fc.nat();
    const takes = fc.constantFrom(['measure'], ['measure', 'controls']);
    const agentVersion = fc.constant('0.1.0');
    const hellos = fc.record({ orderSchema: nat, agentVersion, lastGeneration: nat, facts, takes });
    fc.assert(
      fc.property(hellos, (hello) => expect(fromWireHello(overAgentWire(toWireHello(hello)).body)).toEqual(hello)),
    );
    const welcome = {
      generation: 7,
      clusterId: 'c-1',
      heartbeatMs: 15_000,
      window: 64,
      hubTime: 1,
      endsAt: 2,
      takes: ['receipt'],
      settledEpoch: 12,
    };
    expect(fromWireWelcome(overHubWire(toWireWelcome(welcome)).body)).toEqual(welcome);
  });

  it('arbitrary bytes → a message that is taken, or a WireProblem, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        let message: AgentMessage;
        try {
          message = fromBinary(AgentMessageSchema, bytes);
        } catch {
          return; // the bridge makes it `Unreadable`
        }
        reasonOf(() => fromWireReport(message.body));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('messages of other releases and broken ones', () => {
  it('a body of a newer release → message_unknown', () => {
    // Field 99, a message of one byte: what an older reader sees of a report kind that it does not know.
    const message = fromBinary(AgentMessageSchema, Uint8Array.from([8, 2, 0x9a, 6, 1, 0]));
    expect(message.body.case).toBeUndefined();
    expect(reasonOf(() => fromWireReport(message.body))).toBe('message_unknown');
  });

  it('a reason code of a newer release is carried with its parameters', () => {
    const body = { case: 'goAway' as const, value: { reason: { code: 'moon_full', params: {} }, retryAfterMs: 5 } };
    expect(fromWireCommand(overHubWire(body).body)).toEqual({
      kind: 'goAway',
      reason: { code: 'moon_full', params: {} },
      retryAfterMs: 5,
    });
  });

  it('an order of a newer schema or an unknown kind is carried, so that it can be refused by its id', () => {
    const body = { case: 'order' as const, value: { schema: 9, id: 'o-1', kind: 'teleport', hop: {} } };
    expect(fromWireCommand(overHubWire(body).body)).toMatchObject({
      order: { schema: 9, id: 'o-1', kind: 'teleport' },
    });
  });

  it('facts of a newer schema → schema_too_new', () => {
    const body = { case: 'facts' as const, value: { schema: 2, uid: 'u' } };
    expect(reasonOf(() => fromWireReport(overAgentWire(body).body))).toBe('schema_too_new');
  });

  it('a 64-bit number that a number cannot hold is refused, not rounded', () => {
    const body = { case: 'orderAccepted' as const, value: { orderId: 'o', epoch: 2n ** 53n } };
    expect(reasonOf(() => fromWireReport(overAgentWire(body).body))).toBe('message_unknown');
  });

  it('plan bytes that are not UTF-8 are refused, since their digest was made of the bytes', () => {
    const body = { case: 'order' as const, value: { id: 'o', kind: 'upgrade', hop: {}, plan: Uint8Array.of(0xff) } };
    expect(reasonOf(() => fromWireCommand(overHubWire(body).body))).toBe('message_unknown');
  });

  it('text with half a character in it is sent, so that a resend cannot fail for ever', () => {
    const report = toWireReport({
      kind: 'orderRefused',
      orderId: 'o',
      reason: { code: 'backup_failed', params: { detail: 'cut \ud83d' } },
    });
    expect(fromWireReport(overAgentWire(report).body)).toMatchObject({ reason: { params: { detail: 'cut \ufffd' } } });
  });

  it('an agent that calls itself lost is a fault of the program', () => {
    const report = { kind: 'outcome' as const, orderId: 'o', epoch: 1, outcome: { kind: 'lost' as const, since: 1 } };
    expect(() => toWireReport(report)).toThrow(TypeError);
  });
});
