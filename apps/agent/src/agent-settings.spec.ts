import { describe, expect, it } from '@jest/globals';
import { readSettings, type RunOptions } from './agent-settings.js';
import { ProgramFailure } from './program-failure.js';

const RIGHT: RunOptions = {
  hubGateway: 'hub.example:8443',
  hubEnrolment: '[::1]:8444',
  namespace: 'wavegate',
  nodeImage: 'registry.example/node:1',
  log: 'info',
};

function refusalOf(changes: Partial<RunOptions>): ProgramFailure {
  try {
    readSettings({ ...RIGHT, ...changes });
  } catch (error) {
    if (error instanceof ProgramFailure) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('the settings of an agent', () => {
  it('the least that is needed → read, the rest as it is in a pod', () => {
    expect(readSettings(RIGHT)).toMatchObject({
      hub: { gateway: 'hub.example:8443', enrolment: '[::1]:8444', caSha256: null },
      ...{ joinToken: null, identityDir: null, kubeconfig: null, health: null, settleMs: null },
    });
  });

  it('a CA pin as openssl prints it → the same 64 digits', () => {
    const hex = 'ab'.repeat(32);
    const pin = `sha256:${hex.match(/../g)?.join(':')}`;
    expect(readSettings({ ...RIGHT, caSha256: pin }).hub.caSha256).toBe(hex);
  });

  it.each<[string, Partial<RunOptions>, RegExp]>([
    ['no gateway', { hubGateway: '' }, /--hub-gateway HOST:PORT is missing \(or WAVEGATE_HUB_GATEWAY\)/],
    ['an address without a port', { hubGateway: 'hub.example' }, /--hub-gateway "hub.example": expected HOST:PORT/],
    ['a port that is none', { health: '127.0.0.1:99999' }, /--health "127.0.0.1:99999"/],
    ['half a pin', { caSha256: 'abcd' }, /--ca-sha256 "abcd": expected 64 hex digits/],
    ['a namespace with capitals', { namespace: 'WaveGate' }, /--namespace "WaveGate"/],
    ['a level that is none', { log: 'loud' }, /--log "loud": expected one of trace, debug/],
  ])('%s → usage, the option and the value are named', (_title, changes, message) => {
    const refusal = refusalOf(changes);
    expect(refusal.message).toMatch(message);
    expect(refusal.exitCode).toBe(2);
  });

  it('a join token of the wrong form → refused without repeating it', () => {
    expect(refusalOf({ join: 'hunter2-without-an-id' }).message).not.toContain('hunter2');
  });
});
