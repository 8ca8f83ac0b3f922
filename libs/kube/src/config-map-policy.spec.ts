import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Order } from '@wavegate/fleet';
import { ConfigMapPolicy, ruleAgainst } from './config-map-policy.js';
import type { KubeAccess } from './kube-access.js';
import { SecretIdentityStore } from './secret-identity-store.js';
import type { FakeApiServer } from './testing/fake-api-server.js';
import { startKubeWorld } from './testing/kube-world.js';

/** Saturday, 21 November 2026, 10:00 UTC. */
const SATURDAY = Date.UTC(2026, 10, 21, 10);
const window = (start: string): string => `window: { rrule: "FREQ=WEEKLY;BYDAY=SA", start: "${start}", duration: 4h }`;

describe('what the cluster’s own admin allows', () => {
  it.each<[string, string, RegExp | null]>([
    ['nothing is written', '', null],
    ['comments alone', '# freeze: true\n', null],
    ['freeze: false', 'freeze: false', null],
    ['freeze: true', 'freeze: true', /^freeze$/],
    ['inside the window', window('09:00'), null],
    ['outside the window', window('14:00'), /window opens 2026-11-21T14:00/],
    ['a window in its own time zone', window('11:00').replace('4h', '4h, timeZone: Europe/Berlin'), null],
    ['a misspelt rule', 'freze: true', /freze is not known \(expected freeze or window\)/],
    ['a freeze that is a word', 'freeze: tomorrow', /freeze must be true or false/],
    ['a window that cannot be understood', 'window: { start: "9 o’clock" }', /^window: /],
    ['no YAML', '{', /not YAML/],
    ['a list', '- freeze', /not a map/],
  ])('%s → %s', (_title, text, rule) => {
    const found = ruleAgainst(text, SATURDAY);
    if (rule === null) expect(found).toBeNull();
    else expect(found).toMatch(rule);
  });
});

describe('the policy and the identity in the cluster', () => {
  let api: FakeApiServer;
  let kube: KubeAccess;
  beforeEach(async () => ({ api, kube } = await startKubeWorld()));
  afterEach(() => api.stop());

  it('no ConfigMap → everything is allowed; one with a freeze → refused with its rule; no answer → not allowed', async () => {
    const policy = new ConfigMapPolicy(kube, 'wavegate');
    expect(await policy.refuses({} as Order, SATURDAY)).toBeNull();
    api.put('/api/v1/configmaps', {
      metadata: { name: 'wavegate-policy', namespace: 'wavegate' },
      data: { policy: 'freeze: true' },
    });
    expect(await policy.refuses({} as Order, SATURDAY)).toEqual({ code: 'local_policy', params: { rule: 'freeze' } });
    api.onRequest = () => ({ code: 503 });
    await expect(policy.refuses({} as Order, SATURDAY)).rejects.toMatchObject({ code: 503 });
  });

  it('an identity → kept in one Secret, replaced whole, and null before there is one', async () => {
    const store = new SecretIdentityStore(kube, 'wavegate');
    expect(await store.load()).toBeNull();
    const identity = { clusterId: 'c', keyPem: 'k', chainPem: 'c1', rootsPem: 'r' };
    await store.save(identity);
    await store.save({ ...identity, chainPem: 'c2' });
    expect(await store.load()).toEqual({ ...identity, chainPem: 'c2' });
    expect(api.all('/api/v1/secrets')).toHaveLength(1);
  });

  it('a Secret that holds something else → an error that names it, not a silent second enrolment', async () => {
    api.put('/api/v1/secrets', {
      metadata: { name: 'wavegate-agent-identity', namespace: 'wavegate' },
      data: { 'identity.json': Buffer.from('{}').toString('base64') },
    });
    await expect(new SecretIdentityStore(kube, 'wavegate').load()).rejects.toThrow(/wavegate\/wavegate-agent-identity/);
  });
});
