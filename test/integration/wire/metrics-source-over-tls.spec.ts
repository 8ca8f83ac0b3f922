import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrometheusMetrics } from '@wavegate/kube';
import { startKubeWorld } from '../../../libs/kube/src/testing/kube-world.js';
import { ClusterPki } from '../../kube/world/pki.js';

/** A metrics source that lets in only whom its authority vouches for; who asked is kept. */
let dir: string;
let server: Server;
let kube: Awaited<ReturnType<typeof startKubeWorld>>;
let secrets: Record<string, string>;
const asked: string[] = [];
const MINUTE = 60_000;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'wavegate-mtls-'));
  const pki = await ClusterPki.create(join(dir, 'ours'), 'ours');
  const other = await ClusterPki.create(join(dir, 'other'), 'other');
  const [own, mine, strange] = [
    await pki.server('prometheus'),
    await pki.client('agent', 'wavegate-agent'),
    await other.client('agent', 'wavegate-agent'),
  ];
  const text = (file: string): string => readFileSync(file, 'utf8');
  const tls = { key: text(own.key), cert: text(own.cert), ca: text(pki.caFile) };
  server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    asked.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN));
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    const [start = 0, end = 0] = ['start', 'end'].map((name) => Number(searchParams.get(name)));
    const values: [number, string][] = [];
    for (let at = start; at <= end; at += 60) values.push([at, '7']);
    const result = searchParams.get('query')?.includes('resets') ? [] : [{ metric: {}, values }];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  secrets = {
    ...{ 'ca.crt': text(pki.caFile), 'other-ca.crt': text(other.caFile) },
    ...{ 'tls.crt': text(mine.cert), 'tls.key': text(mine.key) },
    ...{ 'other.crt': text(strange.cert), 'other.key': text(strange.key) },
  };
  kube = await startKubeWorld();
});
afterAll(async () => {
  server?.closeAllConnections();
  await new Promise((done) => server?.close(done));
  await kube?.api.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** What the agent measures with this `tls` in the ConfigMap, and what it logs. */
async function measured(tls: object | null) {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const source = { name: 'cluster', url, ...(tls ? { tls: { secret: 'wavegate-metrics', ...tls } } : {}) };
  const data = Object.fromEntries(Object.entries(secrets).map(([k, v]) => [k, Buffer.from(v).toString('base64')]));
  const metadata = { name: 'wavegate-metrics', namespace: 'wavegate' };
  kube.api.put('/api/v1/secrets', { metadata, data });
  kube.api.put('/api/v1/configmaps', { metadata, data: { metrics: JSON.stringify({ sources: [source] }) } });
  const logged: string[] = [];
  const warn = (_: string, more?: object): void => void logged.push(JSON.stringify(more ?? {}));
  const log = { info: () => undefined, warn, error: () => undefined };
  const now = 1_700_000_000_000;
  const metrics = new PrometheusMetrics({ kube: kube.kube, namespace: 'wavegate', now: () => now, log, probe: null });
  const from = now - 30 * MINUTE;
  const query = { bad: null, good: 'sum(increase(good[$period]))', total: 'sum(increase(total[$period]))' };
  const head = { name: 'shop', sli: null, params: {}, where: {}, objective: 0.99, decisive: true, source: null };
  const [sli] = await metrics.samples({
    ...{ objectives: ['shop'], declared: [{ ...head, query }], from, until: from + 3 * MINUTE },
    ...{ periodMs: MINUTE, baselinePeriods: 2 },
  });
  return { sli, logged: logged.join('\n') };
}

describe('a metrics source that asks for certificates', () => {
  it('authority, certificate and key from a Secret → measured, as the name in the certificate', async () => {
    const { sli } = await measured({ ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' });
    expect(sli?.after).toEqual(new Array(3).fill([0, 7]));
    expect(new Set(asked)).toEqual(new Set(['wavegate-agent']));
  });

  it.each<[string, object | null, RegExp]>([
    ['no certificate of ours', { ca: 'ca.crt' }, /certificate|ECONNRESET|EPIPE|hang up|ALERT|EPROTO/i],
    [
      'one of another authority',
      { ca: 'ca.crt', cert: 'other.crt', key: 'other.key' },
      /unknown|ALERT|ECONNRESET|EPIPE|hang up|EPROTO/i,
    ],
    [
      'a server that our authority does not vouch for',
      { ca: 'other-ca.crt', cert: 'tls.crt', key: 'tls.key' },
      /SELF_SIGNED|UNABLE_TO|certificate/i,
    ],
    ['no authority named at all', null, /SELF_SIGNED|UNABLE_TO|certificate/i],
    ['a key that the Secret has not', { ca: 'ca.crt', cert: 'tls.crt', key: 'nowhere' }, /has no key nowhere/],
  ])('%s → no samples, said in the log, and nobody was let in', async (_, tls, words) => {
    asked.length = 0;
    const { sli, logged } = await measured(tls);
    expect(sli?.after).toEqual([null, null, null]);
    expect(logged).toMatch(words);
    expect(logged).not.toContain('PRIVATE KEY');
    expect(asked).toEqual([]);
  });
});
