import { afterEach, describe, expect, it } from '@jest/globals';
import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import type { FakeApiServer } from '../testing/fake-api-server.js';
import { startKubeWorld } from '../testing/kube-world.js';
import type { DnsPicture } from './picture.js';
import { askDns } from './read-dns.js';
import { CHECKS } from './registry.js';
import { runChecks } from './run-checks.js';
import { takePicture } from './take-picture.js';
import { context, picture } from './testing/sound-picture.js';

const NAME = 'kubernetes.default.svc.example.test';
const sockets: Socket[] = [];
let api: FakeApiServer | null = null;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await api?.stop();
  api = null;
});

/** Header, the question as it came, and for a known name one A record that points back at it. */
function reply(query: Buffer, code: number): Buffer {
  const end = query.indexOf(0, 12) + 5;
  const [known, question] = [code === 0, query.subarray(12, end)];
  const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80 | code, 0, 1, 0, known ? 1 : 0, 0, 0, 0, 0]);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 96, 0, 1]);
  return Buffer.concat([head, question, ...(known ? [record] : [])]);
}

/** A real responder on UDP; null never answers. Gives "host:port", and what it was asked. */
async function dnsServer(code: number | null): Promise<{ readonly server: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.on('message', (query, { port, address }) => {
    asked.push(
      query
        .subarray(13, query.indexOf(0, 12))
        .toString('latin1')
        .replace(/[^a-z]/g, '.'),
    );
    if (code !== null) socket.send(reply(query, code), port, address);
  });
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  return { server: `127.0.0.1:${(socket.address() as AddressInfo).port}`, asked };
}

const kubeadmOf = (config: Record<string, unknown>) => ({
  ...{ configuration: null, proxyFeatureGates: {} },
  kubelet: { config, featureGates: {}, failCgroupV1: null },
});
const ask = (server: string) => askDns(kubeadmOf({ clusterDNS: [server], clusterDomain: 'example.test' }));
const findings = (dns: DnsPicture | null, ready = true) => {
  const endpoints = new Map([['kube-system/kube-dns', [{ address: '10.0.0.9', port: 53, ready, pod: '' }]]]);
  const checks = CHECKS.filter(({ id }) => id === 'after-upgrade' || id === 'not-visible');
  const asked = { phase: 'after', target: '1.34.4' } as const;
  return runChecks(picture({ dns, endpoints }), context(asked), checks).map(
    ({ severity, code, message }) => `${severity} ${code}: ${message}`,
  );
};

describe("the cluster's DNS, asked", () => {
  it('it knows the name of the API → nothing to say; it was asked for it in the cluster’s own domain', async () => {
    const { server, asked } = await dnsServer(0);
    expect(await ask(server)).toEqual({ server, name: NAME, answer: 'known', why: '' });
    expect(asked).toEqual([NAME]);
    expect(findings(await ask(server))).toEqual([]);
  });

  it.each([
    ['does not know the name', 3, 'ENOTFOUND'],
    ['fails', 2, 'ESERVFAIL'],
  ])('it answers, but %s → blocks, with its word', async (_how, code, why) => {
    const { server } = await dnsServer(code);
    expect(findings(await ask(server))).toEqual([
      `block dns_not_answering: the cluster's DNS at ${server}, asked for ${NAME}, answers ${why}`,
    ]);
  });

  it('it never answers → given up after some seconds, and a warning; with no ready backend it blocks', async () => {
    const { server, asked } = await dnsServer(null);
    const seen = await ask(server);
    expect(seen).toMatchObject({ answer: 'none', why: 'ETIMEOUT' });
    expect(asked.length).toBeGreaterThan(1);
    expect(findings(seen)).toEqual([expect.stringMatching(/^warn dns_not_answering: .* did not answer \(ETIMEOUT\)$/)]);
    expect(findings(seen, false)).toEqual([expect.stringMatching(/^block dns_not_answering: .* none is ready/)]);
  }, 60_000);

  it('kubelet-config does not name it → not asked, and that is said', async () => {
    expect(await askDns(kubeadmOf({}))).toBeNull();
    expect(await askDns({ ...kubeadmOf({}), kubelet: null })).toBeNull();
    expect(findings(null)).toEqual([expect.stringMatching(/^info not_visible: not asked: whether .* DNS answers/)]);
  });

  it('a look from inside the cluster after the upgrade asks; from outside, or before, nobody does', async () => {
    const { server, asked } = await dnsServer(0);
    const world = await startKubeWorld();
    api = world.api;
    world.api.onRequest = (_method, path) => {
      if (path === '/version') return { code: 200, body: { gitVersion: 'v1.34.4' } };
      if (path === '/apis') return { code: 200, body: { groups: [] } };
      const kubelet = JSON.stringify({ clusterDNS: [server], clusterDomain: 'example.test' });
      if (path.endsWith('/kubelet-config')) return { code: 200, body: { data: { kubelet } } };
      return path === '/readyz' || path === '/metrics' ? { code: 200 } : null;
    };
    const self = { namespace: 'wavegate', name: 'agent' };
    const look = (of: Parameters<typeof context>[0]) =>
      takePicture({ kube: world.kube, now: () => Date.now() }, context(of));
    expect((await look({ phase: 'after' })).dns).toBeNull();
    expect((await look({ phase: 'before', self })).dns).toBeNull();
    expect(asked).toEqual([]);
    expect((await look({ phase: 'after', self })).dns).toMatchObject({ answer: 'known' });
    expect(asked).toEqual([NAME]);
  });
});
