import { webcrypto, X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import {
  EnrolmentClient,
  EnrolRequestSchema,
  reasonOfStatus,
  retryAfterOfStatus,
  toWireFacts,
} from '@wavegate/protocol';
import { CertificateAuthority } from '../../../apps/hub/src/agents/certificate-authority.js';
import { clusterOf } from '../../../apps/hub/src/agents/cluster-identity.js';
import { x509 } from '../../../apps/hub/src/agents/x509.js';
import { enrol } from '../../../apps/agent/src/link/enrol.js';
import { EnrolmentRefused } from '../../../apps/agent/src/link/enrolment-refused.js';
import { presentedChain } from '../../../apps/agent/src/link/tls-probe.js';
import { factsOf, HubWorld, MovableClock } from './wire-world.js';

let world: HubWorld;
beforeAll(async () => {
  world = await HubWorld.start();
});
afterAll(() => world.stop());

function request(token: string, uid: string) {
  return {
    address: world.enrolmentAddress,
    token,
    caSha256: world.authority.caSha256,
    facts: factsOf(uid),
    agentVersion: '0.1.0',
  };
}

async function refusalOf(enrolling: Promise<unknown>): Promise<EnrolmentRefused> {
  const refused = await enrolling.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(refused instanceof EnrolmentRefused)) throw new Error(`not refused: ${String(refused)}`);
  return refused;
}

function soon(): number {
  return Date.now() + 60_000;
}

async function csrFor(algorithm: webcrypto.EcKeyGenParams, subject: string): Promise<Uint8Array> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: { ...algorithm, hash: 'SHA-256' },
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://wavegate/cluster/victim' }]),
    ],
  });
  return new Uint8Array(made.rawData);
}

async function enrolWith(csr: Uint8Array, token: string, uid: string) {
  const client = new EnrolmentClient(
    world.enrolmentAddress,
    credentials.createSsl(Buffer.from(world.authority.rootPem)),
  );
  try {
    return await client.enrol(create(EnrolRequestSchema, { token, csr, facts: toWireFacts(factsOf(uid)) }), 60_000);
  } finally {
    client.close();
  }
}

describe('enrolment', () => {
  it('a good token → a 24-hour client certificate that names the cluster, recorded and audited', async () => {
    const { identity, approved } = await enrol(request(world.desks.token('alpha', soon()), 'uid-alpha'));
    const leaf = new X509Certificate(identity.chainPem);
    expect(approved).toBe(true);
    expect(identity.clusterId).toBe('alpha');
    expect(leaf.subjectAltName).toBe('URI:spiffe://wavegate/cluster/alpha');
    // extKeyUsage: clientAuth and nothing else.
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    const hours = (Date.parse(leaf.validTo) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24);
    expect(world.desks.issued.get(leaf.serialNumber.toLowerCase())).toMatchObject({ clusterId: 'alpha' });
    expect(world.desks.audited).toContainEqual(
      expect.objectContaining({ action: 'certificate.enrolled', detail: { cluster: 'alpha' } }),
    );
  });

  it('a token used twice → token_used, said in one line', async () => {
    const token = world.desks.token('beta', soon());
    await enrol(request(token, 'uid-beta'));
    const refused = await refusalOf(enrol(request(token, 'uid-other')));
    expect(refused.reason?.code).toBe('token_used');
    expect(refused.message).toBe('the join token was used before: make a new one for this cluster');
    expect(world.desks.refusals.get('token_used')).toBe(1);
  });

  it('an expired and an unknown token are told apart', async () => {
    const expired = await refusalOf(enrol(request(world.desks.token('gamma', Date.now() - 1), 'uid-gamma')));
    expect(expired.reason?.code).toBe('token_expired');
    const unknown = await refusalOf(enrol(request('nobody.knows', 'uid-gamma')));
    expect(unknown.reason?.code).toBe('token_unknown');
  });

  it('a name that is taken, and a clone with a known UID → refused with the name', async () => {
    await enrol(request(world.desks.token('delta', soon()), 'uid-delta'));
    const name = await refusalOf(enrol(request(world.desks.token('delta', soon()), 'uid-delta-2')));
    expect(name.reason).toEqual({ code: 'cluster_name_taken', params: { name: 'delta' } });
    const clone = await refusalOf(enrol(request(world.desks.token('delta-clone', soon()), 'uid-delta')));
    expect(clone.reason).toEqual({ code: 'cluster_uid_known', params: { cluster: 'delta' } });
  });

  it('a wrong pin → the token is never sent', async () => {
    const token = world.desks.token('epsilon', soon());
    const refused = await refusalOf(enrol({ ...request(token, 'uid-epsilon'), caSha256: 'ab'.repeat(32) }));
    expect(refused.message).toContain('does not show the pinned CA');
    // Still good, so the hub has not seen it.
    await enrol(request(token, 'uid-epsilon'));
  });

  it('an impostor that shows a copy of the pinned root over its own certificate → refused before the token is sent', async () => {
    const impostor = await HubWorld.start();
    try {
      const { keyPem, chainPem } = await impostor.authority.serverIdentity(['127.0.0.1'], Date.now());
      const { createServer } = await import('node:tls');
      const heard: Buffer[] = [];
      const server = createServer(
        { key: keyPem, cert: `${chainPem}\n${world.authority.rootPem}`, ALPNProtocols: ['h2'] },
        (socket) => socket.on('data', (bytes) => heard.push(bytes)).on('error', () => undefined),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      const token = world.desks.token('zeta', soon());
      await refusalOf(enrol({ ...request(token, 'uid-zeta'), address: `127.0.0.1:${port}` }));
      expect(Buffer.concat(heard).includes(token)).toBe(false);
      server.close();
    } finally {
      await impostor.stop();
    }
  });

  it('a request with somebody else’s subject and SAN → both ignored', async () => {
    const csr = await csrFor({ name: 'ECDSA', namedCurve: 'P-256' }, 'CN=victim, O=system:masters');
    const response = await enrolWith(csr, world.desks.token('eta', soon()), 'uid-eta');
    const leaf = new X509Certificate(response.certificates?.chain[0] ?? new Uint8Array());
    expect(clusterOf(leaf)).toBe('eta');
    expect(leaf.subject).toBe('CN=wavegate agent');
  });

  it('a request for another kind of key, or of garbage → refused, and the token stays good', async () => {
    const token = world.desks.token('theta', soon());
    const p384 = await csrFor({ name: 'ECDSA', namedCurve: 'P-384' }, 'CN=x');
    for (const csr of [p384, Uint8Array.of(1, 2, 3)]) {
      await expect(enrolWith(csr, token, 'uid-theta')).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    }
    await enrol(request(token, 'uid-theta'));
  });

  it('a request whose signature was made by another key → refused', async () => {
    const csr = await csrFor({ name: 'ECDSA', namedCurve: 'P-256' }, 'CN=x');
    csr[csr.length - 1] = (csr[csr.length - 1] ?? 0) ^ 1;
    await expect(enrolWith(csr, world.desks.token('iota', soon()), 'uid-iota')).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  it('more enrolments than the limit → RESOURCE_EXHAUSTED with a moment to come back', async () => {
    const clock = new MovableClock();
    const busy = await HubWorld.start({ perSecond: 2, clock });
    // No second passes while they are asked, however slow the machine.
    const at = clock.now();
    clock.now = () => at;
    const client = new EnrolmentClient(
      busy.enrolmentAddress,
      credentials.createSsl(Buffer.from(busy.authority.rootPem)),
    );
    try {
      const asked = Array.from({ length: 6 }, () =>
        client.enrol(create(EnrolRequestSchema, { token: 'a.b', facts: toWireFacts(factsOf('u')) }), 60_000).then(
          () => null,
          (error: Parameters<typeof reasonOfStatus>[0]) => error,
        ),
      );
      const limited = (await Promise.all(asked)).filter((error) => error?.code === status.RESOURCE_EXHAUSTED);
      expect(limited.length).toBe(4);
      expect(retryAfterOfStatus(limited[0]!)).toBeGreaterThan(0);
      expect(reasonOfStatus(limited[0]!)).toMatchObject({
        code: 'rate_limited',
        params: { retryAfterMs: expect.anything() },
      });
      expect(busy.desks.refusals.get('rate_limited')).toBe(limited.length);
    } finally {
      client.close();
      await busy.stop();
    }
  });

  it('the store is away → UNAVAILABLE, store_unavailable and a moment to come back; the token is still good then', async () => {
    const token = world.desks.token('away', soon());
    const { redeem } = world.desks.tokens;
    Object.assign(world.desks.tokens, { redeem: () => Promise.reject(new Error('no connection')) });
    try {
      const csr = await csrFor({ name: 'ECDSA', namedCurve: 'P-256' }, 'CN=x');
      const error = await enrolWith(csr, token, 'uid-away').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: status.UNAVAILABLE });
      expect(reasonOfStatus(error as ServiceError)).toMatchObject({ code: 'store_unavailable' });
      expect(retryAfterOfStatus(error as ServiceError)).toBeGreaterThan(0);
    } finally {
      Object.assign(world.desks.tokens, { redeem });
    }
    await enrol(request(token, 'uid-away'));
  });
});

describe('the certificate authority', () => {
  it('replicas that start at once on one directory → one CA', async () => {
    const { mkdtemp, readdir, rm, stat } = await import('node:fs/promises');
    const { join } = await import('node:path');
    const { tmpdir } = await import('node:os');
    const folder = await mkdtemp(join(tmpdir(), 'wavegate-ca-'));
    try {
      const opened = await Promise.all(
        Array.from({ length: 5 }, () => CertificateAuthority.open(join(folder, 'ca'), Date.now())),
      );
      expect(new Set(opened.map((authority) => authority.caSha256)).size).toBe(1);
      expect(await readdir(folder)).toEqual(['ca']);
      for (const name of await readdir(join(folder, 'ca'))) {
        expect((await stat(join(folder, 'ca', name))).mode & 0o777).toBe(0o600);
      }
      // The root's key can be taken off the machine.
      await rm(join(folder, 'ca', 'root.key'));
      const again = await CertificateAuthority.open(join(folder, 'ca'), Date.now());
      expect(again.caSha256).toBe(opened[0]?.caSha256);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('the listeners’ certificate comes of age → new handshakes get a new one, without a restart', async () => {
    const clock = new MovableClock();
    clock.offset = -61 * 24 * 3_600_000;
    const old = await HubWorld.start({ clock });
    try {
      expect(await old.certificate.renewIfDue()).toBe(false);
      const [before] = await presentedChain(old.gatewayAddress);
      clock.offset = 0;
      expect(await old.certificate.renewIfDue()).toBe(true);
      const [after] = await presentedChain(old.gatewayAddress);
      expect(new X509Certificate(after!).serialNumber).not.toBe(new X509Certificate(before!).serialNumber);
      const { stream } = await old.connected('after-rotation');
      stream.close();
    } finally {
      await old.stop();
    }
  });
});
