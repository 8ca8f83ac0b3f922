import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlayedHost } from '../testing/played-host.js';
import { toHostFacts } from './host-facts.js';

jest.setTimeout(120_000);

/** The real step looks at real TLS servers, on a host whose other programs are played. */
let host: PlayedHost;
let folder: string | null = null;
const servers: ChildProcess[] = [];
afterEach(() => {
  host.remove();
  for (const server of servers.splice(0)) server.kill('SIGKILL');
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = null;
});

const inspected = (words: Readonly<Record<string, string>> = {}) => {
  const { message } = host.run('inspect', words);
  return { message, facts: toHostFacts('n', message) };
};
const played = (controlPlane: boolean): PlayedHost => (host = new PlayedHost({ controlPlane, version: '1.34.4' }));

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** As etcd: it serves nobody who does not show a certificate of his own. */
const SERVER = `
  const [key, cert] = process.argv.slice(1).map((file) => require('node:fs').readFileSync(file));
  const server = require('node:tls').createServer({ key, cert, requestCert: true, rejectUnauthorized: true });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

/** A program of its own, since the step runs while this process waits for it. Gives port and end of its certificate. */
async function served(days: number): Promise<{ readonly port: number; readonly until: number }> {
  folder ??= mkdtempSync(join(tmpdir(), 'wg-tls-'));
  const [key, cert] = [join(folder, `${days}.key`), join(folder, `${days}.crt`)];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=test'];
  execFileSync('openssl', [...made, '-keyout', key, '-out', cert, '-days', String(days)], { stdio: 'ignore' });
  const server = spawn(process.execPath, ['-e', SERVER, key, cert], { stdio: ['ignore', 'pipe', 'inherit'] });
  servers.push(server);
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  return { port: Number(String(line)), until: Date.parse(new X509Certificate(readFileSync(cert)).validTo) };
}

describe('what a host tells of itself when it is inspected', () => {
  it('its kubelet, scheduler and etcd serve → the ends of their certificates, by the ports of their files; a silent one → not told', async () => {
    played(true);
    const [kubelet, scheduler, etcd] = [await served(20), await served(200), await served(3)];
    host.file('var/lib/kubelet/config.yaml', `port: ${kubelet.port}\n`);
    const manifest = (name: string, flags: string) =>
      host.file(
        `etc/kubernetes/manifests/${name}.yaml`,
        `    - ${flags.split(' ').join('\n    - ')}\n    image: r/${name}:v1.34.4\n`,
      );
    manifest('kube-scheduler', `--bind-address=127.0.0.1 --secure-port=${scheduler.port}`);
    manifest('kube-controller-manager', `--secure-port=${await freePort()}`);
    manifest('kube-apiserver', `--secure-port=${await freePort()}`);
    // A server that wants a certificate of its clients, as etcd does.
    manifest('etcd', `--listen-client-urls=https://127.0.0.1:${etcd.port},https://10.0.0.5:2379`);
    const of = ({ port, until }: { port: number; until: number }, name: string) => ({
      of: name,
      at: `127.0.0.1:${port}`,
      until,
    });
    const expected = [of(kubelet, 'kubelet'), of(scheduler, 'kube-scheduler'), of(etcd, 'etcd')];
    expect(inspected().facts.served).toEqual(expected);
  });

  it('a host without openssl → curl looks; with neither → it says that nobody could', async () => {
    played(false);
    const { port, until } = await served(20);
    host.file('var/lib/kubelet/config.yaml', `port: ${port}\n`);
    // No program but what is named here is on this host.
    const tools =
      'sh cat sed awk grep tr cut head tail wc date mkdir rm ls timeout stat gzip base64 printf mv cp readlink basename dirname sort'.split(
        ' ',
      );
    for (const tool of tools) host.program(`../tools/${tool}`, `exec /usr/bin/env PATH=/usr/bin:/bin ${tool} "$@"`);
    const path = { WG_PATH: `${join(host.root, 'bin')}:${join(host.root, 'tools')}` };
    host.program('curl', 'exec /usr/bin/curl "$@"');
    expect(inspected(path).facts.served).toEqual([{ of: 'kubelet', at: `127.0.0.1:${port}`, until }]);
    host.drop('bin/curl');
    expect(inspected(path).facts.served).toBeNull();
  });

  it.each([
    ['cgroup2fs', 'v2'],
    ['tmpfs', 'v1'],
    ['', null],
  ])('the file system of /sys/fs/cgroup is "%s" → cgroup %s', (kind, expected) => {
    played(false).program('stat', `[ "$3" = "$R/sys/fs/cgroup" ] && echo "${kind}"`);
    expect(inspected().facts.cgroup).toBe(expected);
  });

  it('its kubelet configuration → as it is, without headers that may be a secret', () => {
    const config = 'kind: KubeletConfiguration\nmaxPods: 200\nevictionHard:\n  memory.available: 500Mi\n';
    const headers = 'staticPodURLHeader:\n  Authorization:\n  - Bearer hunter2\n';
    played(false).file('var/lib/kubelet/config.yaml', `${headers}${config}`);
    expect(inspected().facts).toMatchObject({ kubeletConfig: config, kubeletConfigTooLarge: false });
    host.file('var/lib/kubelet/config.yaml', '{"staticPodURLHeader":{"Authorization":["hunter2"]}}');
    expect(inspected().facts).toMatchObject({ kubeletConfig: null, kubeletConfigTooLarge: false });
  });

  it('a configuration too large for the message → said; the message stays whole, and what is the matter is in it', () => {
    played(false).file('var/lib/kubelet/config.yaml', `big: ${randomBytes(6_000).toString('hex')}\n`);
    host.state('free-mib', '30');
    const { message, facts } = inspected();
    expect(facts).toMatchObject({ kubeletConfig: null, kubeletConfigTooLarge: true });
    expect(message.found).toEqual([{ code: 'disk_full', text: expect.stringMatching(/./) }]);
    expect(JSON.stringify(message).length).toBeLessThan(4_096);
  });
});
