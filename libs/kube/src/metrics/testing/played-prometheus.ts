import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a query is answered: a value per point (null = no point), several series of such, or any other answer. */
export type PlayedAnswer =
  | { readonly points: (at: number) => number | null; readonly series?: number }
  | { readonly code: number; readonly body: unknown }
  | { readonly hang: true };

/** As much of Prometheus's HTTP API as the agent's questions meet; what it says is the test's to decide. */
export class PlayedPrometheus {
  readonly asked: {
    readonly path: string;
    readonly params: URLSearchParams;
    readonly headers: IncomingMessage['headers'];
  }[] = [];
  /** By query; the first that matches. */
  answers: [RegExp, PlayedAnswer][] = [];
  alerts: unknown[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => void this.take(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://x');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = Buffer.concat(chunks).toString();
    const params = form === '' ? url.searchParams : new URLSearchParams(form);
    this.asked.push({ path: url.pathname, params, headers: request.headers });
    const [code, body] = this.answer(url.pathname, params) ?? [0, null];
    if (code === 0) return;
    response.statusCode = code;
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  private answer(path: string, params: URLSearchParams): [number, unknown] | null {
    const success = (data: unknown): [number, unknown] => [200, { status: 'success', data }];
    if (path === '/api/v1/alerts') return success({ alerts: this.alerts });
    const query = params.get('query') ?? '';
    const answer = this.answers.find(([pattern]) => pattern.test(query))?.[1];
    if (answer && 'hang' in answer) return null;
    if (answer && 'code' in answer) return [answer.code, answer.body];
    if (path === '/api/v1/query') {
      const value = answer?.points(Date.now() / 1000) ?? null;
      return success({
        resultType: 'vector',
        result: value === null ? [] : [{ metric: {}, value: [0, String(value)] }],
      });
    }
    return success({ resultType: 'matrix', result: answer ? matrix(params, answer) : [] });
  }
}

function matrix(
  params: URLSearchParams,
  { points, series = 1 }: Extract<PlayedAnswer, { points: unknown }>,
): unknown[] {
  const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(params.get(name))) as [
    number,
    number,
    number,
  ];
  const values: [number, string][] = [];
  for (let at = start; at <= end + 1e-6; at += step) {
    const value = points(at);
    if (value !== null) values.push([at, Number.isNaN(value) ? 'NaN' : String(value)]);
  }
  if (values.length === 0) return [];
  return Array.from({ length: series }, (_, n) => ({ metric: { n: String(n) }, values }));
}
