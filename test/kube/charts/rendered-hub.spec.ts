import { describe, expect, it } from '@jest/globals';
import { golden, render, rendered } from './rendered.js';

const AGENTS: readonly string[] = ['--set=agents.gateway=hub.example:8443,agents.enrolment=hub.example:8444'];
const OWN_DATABASE: readonly string[] = [...AGENTS, '--set=database.existingSecret.name=my-postgres'];

describe('what the hub’s chart renders', () => {
  it('your own PostgreSQL, three replicas, an Ingress → as reviewed', async () => {
    const ingress =
      '--set=ingress.enabled=true,ingress.host=wavegate.example,ingress.tlsSecret=wavegate-tls,replicas=3';
    const { text, error } = await render('hub', [...OWN_DATABASE, ingress]);
    expect(error).toBe('');
    expect(text).toBe(golden('hub-replicas', text));
  });

  it('a trial → one database server beside it, with a password of its own', async () => {
    const words = [...AGENTS, '--set=database.trial.enabled=true'];
    const passwords = await Promise.all(
      [1, 2].map(async () => {
        const secret = (await rendered('hub', words)).find(({ metadata }) => metadata.name === 'wavegate-hub-database');
        return (secret?.['stringData'] as { readonly password: string }).password;
      }),
    );
    expect(new Set(passwords).size).toBe(2);
    // A volume that outlives the release is worth nothing without it; one that ends with its pod needs none.
    const kept = async (...more: readonly string[]) =>
      (await rendered('hub', [...words, ...more])).find(({ metadata }) => metadata.name === 'wavegate-hub-database')
        ?.metadata.annotations?.['helm.sh/resource-policy'];
    expect(await kept()).toBe('keep');
    expect(await kept('--set-string=database.trial.storage=')).toBeUndefined();
    const kinds = (await rendered('hub', words)).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(kinds).toEqual(
      expect.arrayContaining(['StatefulSet wavegate-hub-postgres', 'NetworkPolicy wavegate-hub-postgres']),
    );
  });

  it('holds no right in any cluster; the one account that makes the authority ends with its Job', async () => {
    const objects = await rendered('hub', OWN_DATABASE);
    expect(objects.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
    const accounts = objects.filter(({ kind }) => ['ServiceAccount', 'Role', 'RoleBinding'].includes(kind));
    expect(accounts).toHaveLength(3);
    for (const { metadata } of accounts) {
      expect(metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
      expect(metadata.annotations?.['helm.sh/hook-delete-policy']).toMatch(/hook-succeeded/);
    }
    const hub = objects.find(({ kind }) => kind === 'Deployment');
    expect(JSON.stringify(hub)).toMatch(/"automountServiceAccountToken":false/);
    // The root's key is mounted nowhere.
    expect(JSON.stringify(objects.filter(({ kind }) => kind !== 'Job'))).not.toMatch(/root\.key/);
  });

  it('with an authority of your own → nothing is made, nothing may be', async () => {
    const objects = await rendered('hub', [...OWN_DATABASE, '--set=authority.existingSecret=mine']);
    expect(objects.filter(({ kind }) => ['Job', 'Role', 'ServiceAccount'].includes(kind))).toEqual([]);
    expect(JSON.stringify(objects)).toMatch(/"secretName":"mine"/);
  });

  it.each([
    [AGENTS, /give one database, not 0/],
    [[...OWN_DATABASE, '--set=database.trial.enabled=true'], /give one database, not 2/],
    [['--set=database.trial.enabled=true'], /agents\.gateway is missing: HOST:PORT/],
    [[...OWN_DATABASE, '--set=ingress.enabled=true'], /ingress\.host is missing/],
    [[...OWN_DATABASE, '--set=replica=2'], /additional properties 'replica' not allowed/],
    [[...OWN_DATABASE, '--set=replicas=0'], /'\/replicas': minimum: got 0, want 1/],
    [[...OWN_DATABASE, '--set=certificateHours=48'], /'\/certificateHours'/],
    [[...AGENTS, '--set=database.url=mysql://x'], /'\/database\/url'/],
  ] as const)('%j → refused, with what would be right', async (words, said) => {
    expect((await render('hub', words)).error).toMatch(said);
  });
});
