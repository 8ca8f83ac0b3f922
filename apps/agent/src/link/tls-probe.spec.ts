import { describe, expect, it } from '@jest/globals';
import { splitAddress } from './tls-probe.js';

describe('addresses', () => {
  it.each([
    ['hub.example:7443', 'hub.example', 7443],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['[::1]:7443', '::1', 7443],
  ])('%s → %s and %d', (address, host, port) => {
    expect(splitAddress(address)).toEqual({ host, port });
  });

  it.each(['hub.example', ':7443', 'hub:0', 'hub:70000', 'hub:x'])('%s → refused by name', (address) => {
    expect(() => splitAddress(address)).toThrow(`"${address}" is no address: expected host:port`);
  });
});
