import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKube } from '../kube-access.js';
import { CHECKS } from './registry.js';
import { RawReader } from './raw-reader.js';
import { readMetrics } from './read-metrics.js';
import { readServers } from './read-servers.js';
import { runChecks } from './run-checks.js';
import { takePicture } from './take-picture.js';
import { context } from './testing/sound-picture.js';

/** API servers of one plane, as far as preflight asks them one by one: over real TLS, with certificates of their own. */
interface Played {
  readonly version: string;
  readonly readyz?: string;
  readonly start: string;
  /** Requests for the deprecated v1 Endpoints. */
  readonly endpoints: number;
  /** Days until its certificate ends. */
  readonly days: number;
}

let folder: string;
const running: Server[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wg-plane-'));
  openssl('req', '-x509', ...KEY, '-subj', '/CN=kubernetes', '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '3650');
});
afterEach(() => running.splice(0).forEach((server) => (server.closeAllConnections(), server.close())));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });

function certified(days: number): { readonly key: Buffer; readonly cert: Buffer } {
  const name = `s${days}`;
  openssl('req', ...KEY, '-subj', '/CN=kube-apiserver', '-keyout', `${name}.key`, '-out', `${name}.csr`);
  writeFileSync(join(folder, 'san'), 'subjectAltName=IP:127.0.0.1');
  const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san', '-days', String(days)];
  openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...by);
  return { key: readFileSync(join(folder, `${name}.key`)), cert: readFileSync(join(folder, `${name}.crt`)) };
}

/** Its port. `members`: what the Service `kubernetes` names. */
async function start(server: Played, members: () => readonly number[] = () => []): Promise<number> {
  const listening = createServer(certified(server.days), (request, response) => {
    const path = request.url ?? '';
    if (path === '/version') response.end(JSON.stringify({ gitVersion: `v${server.version}` }));
    else if (path.startsWith('/readyz')) response.writeHead(server.readyz ? 500 : 200).end(server.readyz ?? 'ok');
    else if (path === '/metrics') response.end(metricsOf(server));
    else if (path.includes('/namespaces/default/endpointslices')) response.end(JSON.stringify(slice(members())));
    else response.end(JSON.stringify({ items: [], metadata: {} }));
  });
  running.push(listening);
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
  return (listening.address() as AddressInfo).port;
}

const slice = (ports: readonly number[]) => ({
  items: ports.map((port) => ({ ports: [{ port }], endpoints: [{ addresses: ['127.0.0.1'], conditions: {} }] })),
  metadata: {},
});

const metricsOf = ({ start: at, endpoints }: Played): string => `
process_start_time_seconds ${at}
apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1
apiserver_request_total{code="200",group="",resource="endpoints",subresource="",verb="LIST",version="v1"} ${endpoints}
apiserver_client_certificate_expiration_seconds_bucket{le="604800"} 2
`;

const A: Played = { version: '1.34.4', start: '1.79e+09', endpoints: 7, days: 300 };
const B: Played = { version: '1.34.2', start: '1.7901e+09', endpoints: 5, days: 9, readyz: '[-]etcd failed: withheld' };

function kubeOf(port: number) {
  const kubeconfig = join(folder, 'kubeconfig');
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c', users: [{ name: 'u', user: { token: 't' } }] },
    clusters: [
      { name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': join(folder, 'ca.crt') } },
    ],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  return openKube({ kubeconfig });
}

const at = (port: number) => ({ address: '127.0.0.1', port, ready: true, pod: '' });
const GONE = 1;

describe('the API servers of a plane of several', () => {
  it('each is asked itself: version, readiness and certificate of both; the one that does not answer is named', async () => {
    const [a, b] = [await start(A), await start(B)];
    const reader = new RawReader(kubeOf(a));
    const { servers, certificates, unreached } = await readServers(reader, [at(a), at(b), at(GONE)]);
    reader.close();
    expect(servers).toMatchObject([
      { at: `127.0.0.1:${a}`, version: '1.34.4', failing: [] },
      { at: `127.0.0.1:${b}`, version: '1.34.2', failing: ['etcd failed: withheld'] },
    ]);
    const days = certificates.map(({ until }) => Math.round((until - Date.now()) / 86_400_000));
    expect(days).toEqual([A.days, B.days]);
    expect(unreached).toEqual([`127.0.0.1:${GONE}`]);
  });

  it('the counters of both are added up, each with its own beginning; the one that is not read is named', async () => {
    const [a, b] = [await start(A), await start(B)];
    const reader = new RawReader(kubeOf(a));
    const { metrics, unread } = await readMetrics(reader, [at(a), at(b), at(GONE)]);
    reader.close();
    expect(metrics).toMatchObject({ since: 1_790_000_000_000, shortClientCertificates: 4 });
    expect(metrics.deprecated).toMatchObject([
      {
        requests: 12,
        at: [
          { server: `127.0.0.1:${a}`, since: 1_790_000_000_000, requests: 7 },
          { server: `127.0.0.1:${b}`, since: 1_790_100_000_000, requests: 5 },
        ],
      },
    ]);
    expect(unread).toEqual([expect.stringMatching(/^127\.0\.0\.1:1 \(ECONNREFUSED\)$/)]);
  });

  it('the address of the kubeconfig is one of them behind another → counted once', async () => {
    const [balancer, a, b] = [await start(A), await start(A), await start(B)];
    const reader = new RawReader(kubeOf(balancer));
    const { metrics } = await readMetrics(reader, [at(a), at(b)]);
    reader.close();
    expect(metrics.deprecated).toMatchObject([{ requests: 12 }]);
  });

  it('a whole look with one server away → the others are judged, and what was not seen of it is a finding', async () => {
    const ports: number[] = [];
    ports.push(await start(A, () => ports), await start(B), GONE);
    const picture = await takePicture({ kube: kubeOf(ports[0] ?? 0), now: () => Date.now() }, context());
    const plane = ['version-skew', 'control-plane-health', 'certificates', 'deprecated-apis'];
    const found = runChecks(
      picture,
      context(),
      CHECKS.filter(({ id }) => plane.includes(id)),
    );
    const messages = found.map(({ code, message }) => `${code}: ${message}`).join('\n');
    expect(messages).toContain('api_server_not_ready: the API server at 127.0.0.1:');
    expect(messages).toContain('certificate_expires_soon: the certificate of the API server at 127.0.0.1:');
    expect(messages).toMatch(/api_servers_mixed: .*1\.34\.2/);
    expect(messages).toContain(
      'not_checked: could not be checked: the other API servers: API servers not reached from here: 127.0.0.1:1; their certificates and health were not seen',
    );
    expect(messages).toContain(
      "not_checked: could not be checked: the API server's metrics: the counters of API servers that were not read: 127.0.0.1:1 (ECONNREFUSED)",
    );
    expect(messages).toMatch(
      /deprecated_api_requested: v1 endpoints: 12 requests: 7 at \S+ since it started 2026-09-21T\d\d:\d\dZ, 5 at \S+ since it started 2026-09-22T/,
    );
  });
});
