import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SeenSilence, WantedSilence } from '../alertmanager-client.js';

/** As much of Alertmanager's API v2 as the agent meets: silences are kept, renewed in place, and over when ended. */
export class PlayedAlertmanager {
  silences: SeenSilence[] = [];
  readonly asked: {
    readonly line: string;
    readonly body: WantedSilence | null;
    readonly headers: IncomingMessage['headers'];
  }[] = [];
  refuses: number | null = null;
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

  active(): SeenSilence[] {
    return this.silences.filter(({ status }) => status.state === 'active');
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const line = `${request.method} ${request.url}`;
    this.asked.push({ line, body: text === '' ? null : (JSON.parse(text) as WantedSilence), headers: request.headers });
    response.statusCode = this.refuses ?? 200;
    const body = this.refuses ? { message: 'no' } : this.answer(line, text);
    response.end(body === null ? '' : JSON.stringify(body));
  }

  private answer(line: string, text: string): unknown {
    if (line.startsWith('GET /api/v2/status')) return { cluster: { status: 'disabled' } };
    if (line.startsWith('GET /api/v2/silences')) return this.silences;
    if (line.startsWith('POST')) return this.put(JSON.parse(text) as WantedSilence);
    const id = line.split('/').at(-1);
    this.silences = this.silences.map((one) => (one.id === id ? { ...one, status: { state: 'expired' } } : one));
    return null;
  }

  private put(silence: WantedSilence): { silenceID: string } {
    const id = silence.id ?? `s-${this.silences.length + 1}`;
    this.silences = this.silences.filter((one) => one.id !== id);
    this.silences.push({ ...silence, id, status: { state: 'active' } });
    return { silenceID: id };
  }
}
