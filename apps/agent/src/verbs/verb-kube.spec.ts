import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { EXIT, ProgramFailure } from '../program-failure.js';
import { inOneLine } from './verb-kube.js';

let server: Server | undefined;
afterEach(() => new Promise<void>((closed) => (server ? server.close(() => closed()) : closed())));

/** What a real question to a server that treats its callers so ends with. */
async function asked(treat: (socket: Socket) => void, options: RequestInit = {}): Promise<unknown> {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    treat(socket);
  });
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return fetch(`http://127.0.0.1:${port}/`, options).catch((error: unknown) => error);
}

describe('a question in the middle of a verb', () => {
  it.each<[string, (socket: Socket) => void, RequestInit, RegExp]>([
    ['cut before an answer', (socket) => socket.destroy(), {}, /UND_ERR_SOCKET|ECONNRESET/],
    ['reset', (socket) => socket.resetAndDestroy(), {}, /ECONNRESET|UND_ERR_SOCKET/],
  ])(
    '%s → one line that says what to do, and the code of a cluster that does not answer',
    async (_w, treat, options, cause) => {
      const told = inOneLine(await asked(treat, options));
      expect(told).toBeInstanceOf(ProgramFailure);
      const { message, exitCode } = told as ProgramFailure;
      expect([exitCode, message]).toEqual([EXIT.unreachable, expect.stringMatching(cause)]);
      expect(message).toContain('then ask again');
      expect(message).not.toContain('\n');
    },
  );

  it('nobody listens, or a time limit is over → the same', async () => {
    await asked((socket) => socket.destroy());
    const { port } = server?.address() as AddressInfo;
    await new Promise<void>((closed) => server?.close(() => closed()));
    server = undefined;
    const refused = await fetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error);
    expect(inOneLine(refused)).toMatchObject({
      exitCode: EXIT.unreachable,
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(inOneLine(new DOMException('it took too long', 'TimeoutError'))).toMatchObject({
      exitCode: EXIT.unreachable,
    });
  });

  it('refused by the API server → in its words; a mistake of our own keeps its stack', () => {
    const refusal = Object.assign(new Error('x'), {
      code: 403,
      body: JSON.stringify({ message: 'nodes is forbidden' }),
    });
    expect(inOneLine(refusal)).toMatchObject({ message: 'the API server refuses: 403 nodes is forbidden' });
    const mistake = new TypeError('x is not a function');
    expect(inOneLine(mistake)).toBe(mistake);
  });
});
