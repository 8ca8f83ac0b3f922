import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { PrometheusClient, PrometheusRefusal } from './prometheus-client.js';
import { MOST_BYTES, QUERY_TIMEOUT_MS } from './source-http.js';

const NOBODY = { token: null, ca: null, cert: null, key: null };
const servers: Server[] = [];

afterEach(async () => {
  jest.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(url: string, token: string | null = null): PrometheusClient {
  const source = { name: 'cluster', url, token: null, tls: null, labels: {}, tenant: '', delayMs: 0 };
  return new PrometheusClient(source, { ...NOBODY, token });
}

/** How a question was refused; fails where it was answered. */
async function refusal(asked: Promise<unknown>): Promise<PrometheusRefusal> {
  return asked.then(
    () => Promise.reject(new Error('it was answered')),
    (error: unknown) => {
      if (error instanceof PrometheusRefusal) return error;
      throw error;
    },
  );
}

const RANGE = { from: 0, to: 60_000, stepMs: 60_000 };
const matrix = (values: readonly unknown[]) =>
  JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values }] } });

describe('the bounds of one question', () => {
  it('no answer → given up after ten seconds, which pass a hundred times as fast here', async () => {
    const real = AbortSignal.timeout.bind(AbortSignal);
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => real(ms / 100));
    const url = await serve(() => undefined);
    const { kind, message } = await refusal(client(url).query('up'));
    expect([kind, message]).toEqual(['timedOut', `cluster at ${url}: no answer in 10 s`]);
    expect(timeout.mock.calls).toEqual([[10_000]]);
    expect(QUERY_TIMEOUT_MS).toBe(10_000);
  });

  it('an answer that begins and never ends → given up as well', async () => {
    const real = AbortSignal.timeout.bind(AbortSignal);
    jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => real(ms / 50));
    const url = await serve((_, response) => void response.write('{"status":'));
    expect((await refusal(client(url).query('up'))).kind).toBe('timedOut');
  });

  it('a good answer of up to 1 MiB → read; a good one that is larger → refused', async () => {
    const row = [1_700_000_000, '1'.repeat(1_000)];
    const rows = (count: number) => matrix(new Array(count).fill(row));
    const fits = rows(900);
    const larger = rows(1_100);
    expect([fits.length < MOST_BYTES, larger.length > MOST_BYTES, MOST_BYTES]).toEqual([true, true, 1_048_576]);
    const url = await serve((request, response) => void response.end(request.url?.includes('fits') ? fits : larger));
    expect((await client(url).queryRange('fits', RANGE))[0]?.values).toHaveLength(900);
    expect((await refusal(client(url).queryRange('larger', RANGE))).kind).toBe('tooLarge');
  });

  it('an answer without an end → broken off soon after 1 MiB', async () => {
    let sent = 0;
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((done) => (closed = done));
    const url = await serve((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more).on('close', closed);
      more();
    });
    expect((await refusal(client(url).query('up'))).kind).toBe('tooLarge');
    await gone;
    // What was on its way in buffers of both sides is all that is sent beyond it.
    expect(sent).toBeLessThan(64 * MOST_BYTES);
  });

  it('a redirect, also to an allowed host → not followed, and the token goes nowhere', async () => {
    const asked: IncomingMessage['headers'][] = [];
    const elsewhere = await serve(({ headers }, response) => {
      asked.push(headers);
      response.end(matrix([]));
    });
    for (const code of [301, 302, 307, 308]) {
      const url = await serve((_, response) => void response.writeHead(code, { location: `${elsewhere}/x` }).end());
      const { kind, message } = await refusal(client(url, 'secret').query('up'));
      expect([kind, message]).toEqual(['failed', expect.stringMatching(new RegExp(`^${code}`))]);
    }
    expect(asked).toEqual([]);
  });

  it('a long query → posted as a form, whole; a short one → in the address', async () => {
    const asked: { method?: string; path?: string; query: string | null; type?: string }[] = [];
    const url = await serve((request, response) => {
      void (async () => {
        const { searchParams, pathname } = new URL(request.url ?? '', 'http://x');
        let body = '';
        for await (const chunk of request) body += String(chunk);
        const form = body === '' ? searchParams : new URLSearchParams(body);
        const { method = '', headers } = request;
        asked.push({ method, path: pathname, query: form.get('query'), type: headers['content-type'] ?? '' });
        response.end(matrix([]));
      })();
    });
    const long = `sum(increase(x{y=~"${'ü|'.repeat(2_000)}"}[60s]))`;
    await client(url).queryRange('up', RANGE);
    await client(url).queryRange(long, RANGE);
    expect(asked).toEqual([
      { method: 'GET', path: '/api/v1/query_range', query: 'up', type: '' },
      { method: 'POST', path: '/api/v1/query_range', query: long, type: 'application/x-www-form-urlencoded' },
    ]);
  });
});
