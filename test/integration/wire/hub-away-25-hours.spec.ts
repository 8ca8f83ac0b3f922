import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { asRefusal, asStream, factsOf, HubWorld, MovableClock } from './wire-world.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * TLS looks at the machine's clock and nothing can tell it otherwise. So virtual time begins in the past: agents enrol
 * 26 hours ago, and the hub comes back now, when their certificates are expired for OpenSSL as well as for us.
 */
let world: HubWorld;
afterEach(() => world.stop());

async function enrolledAgo(agoMs: number, names: readonly string[]) {
  const clock = new MovableClock();
  clock.offset = -agoMs;
  world = await HubWorld.start({ clock });
  return Promise.all(names.map(async (name) => ({ name, identities: await world.enrolled(name) })));
}

describe('a hub that was away for longer than a certificate lives', () => {
  it('25 hours → all agents renew their expired certificates and return unaided', async () => {
    const names = Array.from({ length: 8 }, (_, n) => `cluster-${n}`);
    const agents = await enrolledAgo(26 * HOUR, names);
    await world.stopHub();
    world.clock.offset += 25 * HOUR;

    // Still away: each agent is told plainly, and loses nothing.
    const [first] = agents;
    const firstLink = world.link(first!.identities);
    const away = asRefusal(await firstLink.connect({ facts: factsOf('uid-cluster-0') }));
    expect(away.kind).toBe('certificateExpired');
    expect(away.message).toMatch(/certificate expired at .* and was not renewed: /);

    world.clock.offset = 0;
    await world.startHub();
    for (const { name, identities } of agents) {
      const before = new X509Certificate(identities.identity!.chainPem);
      expect(Date.parse(before.validTo)).toBeLessThan(Date.now());
      const link = name === 'cluster-0' ? firstLink : world.link(identities);
      const stream = asStream(await link.connect({ facts: factsOf(`uid-${name}`) }));
      expect(Date.parse(new X509Certificate(identities.identity!.chainPem).validTo)).toBeGreaterThan(Date.now());
      stream.close();
    }
    const renewals = world.desks.audited.filter(({ action }) => action === 'certificate.renewed');
    expect(renewals).toHaveLength(names.length);
    expect(renewals[0]?.detail).toMatchObject({ afterExpiry: true });
  });

  it('31 days → refused, and the agent says that it must be enrolled again', async () => {
    const [agent] = await enrolledAgo(32 * DAY, ['old']);
    world.clock.offset = 0;
    const refused = asRefusal(await world.link(agent!.identities).connect({ facts: factsOf('uid-old') }));
    expect(refused.kind).toBe('certificateExpired');
    expect(refused.message).toContain('expired over 30 days ago: enrol again');
    expect(world.desks.refusals.get('certificate_expired')).toBe(1);
  });

  it('revoked meanwhile → not renewed', async () => {
    const [agent] = await enrolledAgo(26 * HOUR, ['removed']);
    world.clock.offset = 0;
    world.desks.revoke('removed', Date.now());
    const refused = asRefusal(await world.link(agent!.identities).connect({ facts: factsOf('uid-removed') }));
    expect(refused).toMatchObject({ kind: 'certificateRevoked', reason: { code: 'certificate_revoked' } });
  });

  it('a copy of the identity in another cluster → not renewed', async () => {
    const [agent] = await enrolledAgo(26 * HOUR, ['copied']);
    world.clock.offset = 0;
    const refused = asRefusal(await world.link(agent!.identities).connect({ facts: factsOf('uid-thief') }));
    expect(refused).toMatchObject({
      kind: 'certificateExpired',
      reason: { code: 'cluster_uid_mismatch', params: { expected: 'uid-copied', found: 'uid-thief' } },
    });
  });

  it('the certificate without its key → not renewed', async () => {
    const agents = await enrolledAgo(26 * HOUR, ['stolen', 'thief']);
    world.clock.offset = 0;
    const [stolen, thief] = agents.map(({ identities }) => identities);
    thief!.identity = { ...stolen!.identity!, keyPem: thief!.identity!.keyPem };
    const refused = asRefusal(await world.link(thief!).connect({ facts: factsOf('uid-stolen') }));
    expect(refused.reason?.code).toBe('certificate_unknown');
    expect(refused.message).toContain('the proof was not made by the certificate’s key');
  });
});

describe('renewal in good time', () => {
  it('before two thirds of its life nothing happens; after that a new key and certificate are in use', async () => {
    const [agent] = await enrolledAgo(0, ['punctual']);
    const link = world.link(agent!.identities);
    asStream(await link.connect({ facts: factsOf('uid-punctual') })).close();
    const before = agent!.identities.identity!;
    // The certificate's key proves itself; the server never sees the agent's clock beyond the five minutes.
    world.clock.offset = 15 * HOUR;
    expect(await link.renewIfDue()).toBe(false);
    world.clock.offset = 16.5 * HOUR;
    expect(await link.renewIfDue()).toBe(true);
    expect(agent!.identities.identity!.keyPem).not.toBe(before.keyPem);
    expect(await link.renewIfDue()).toBe(false);
  });
});
