import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustHaveKeys, readEncryptionKeys } from './encryption-keys.js';
import { LiveKeys } from './live-keys.js';
import { PLAIN, StoredForms, type StoredForm } from './stored-forms.js';

let dir: string;
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'wg-keys-'))));
afterAll(() => rmSync(dir, { recursive: true }));

const CONFIG = `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - aescbc: { keys: [{ name: new, secret: AAAA }, { name: old, secret: BBBB }] }
      - kms: { apiVersion: v2, name: vault, endpoint: unix:///run/kms.sock }
      - identity: {}
  - resources: ['*.*']
    providers: [{ secretbox: { keys: [{ name: box, secret: CCCC }] } }, { identity: null }]
`;

function fileOf(text: string): string {
  const file = join(dir, 'config.yaml');
  writeFileSync(file, text);
  return file;
}
const form = (provider: string, name: string): StoredForm => ({
  provider,
  name,
  keys: 1_200,
  sample: '/registry/secrets/shop/db',
});

/** An `mvccpb.KeyValue` as etcd writes it: key, three numbers, value. */
function record(value: string, key = '/registry/secrets/shop/db'): Buffer {
  const field = (tag: number, text: string): Buffer => {
    const bytes = Buffer.from(text);
    const size = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
    return Buffer.concat([Buffer.from([tag, ...size]), bytes]);
  };
  const numbers = Buffer.from([0x10, 0xac, 0x02, 0x18, 0xad, 0x02, 0x20, 0x01]);
  return Buffer.concat([field(0x0a, key), numbers, field(0x2a, value)]);
}

describe('what opens the values of an etcd', () => {
  it('a configuration → every key by provider and name, and the plugins whose keys are elsewhere', async () => {
    const keys = await readEncryptionKeys(fileOf(CONFIG));
    expect([...keys.names].sort()).toEqual(['aescbc new', 'aescbc old', 'kms vault', 'secretbox box']);
    expect(keys.plugins).toEqual(['vault']);
  });

  it.each(['{', 'kind: EncryptionConfiguration', '[]', ''])('%j → no EncryptionConfiguration', async (text) => {
    await expect(readEncryptionKeys(fileOf(text))).rejects.toMatchObject({
      trouble: 'invalid',
      message: expect.stringMatching(/is no EncryptionConfiguration/),
    });
  });

  it('values encrypted by keys it has → a sentence; by one it has not, or without any → no backup', async () => {
    const keys = await readEncryptionKeys(fileOf(CONFIG));
    expect(mustHaveKeys([], null)).toBeNull();
    expect(mustHaveKeys([form('aescbc', 'old'), form('kms', 'vault')], keys)).toMatch(
      /^encrypted at rest: 1,200 by aescbc old, 1,200 by kms vault;/,
    );
    expect(() => mustHaveKeys([form('aescbc', 'new'), form('aescbc', 'lost')], keys)).toThrow(
      /aescbc lost \(1,200, for instance \/registry\/secrets\/shop\/db\), and the EncryptionConfiguration has no such key/,
    );
    expect(() => mustHaveKeys([form('aesgcm', 'old')], keys)).toThrow(/has no such key/);
    expect(() => mustHaveKeys([form('aescbc', 'new')], null)).toThrow(/no EncryptionConfiguration was found/);
  });
});

describe('how a value is stored', () => {
  it('a prefix of a provider → one number for each key; anything else → plain', () => {
    const forms = new StoredForms();
    const numbers = [
      'k8s:enc:aescbc:v1:key1:…',
      'k8s:enc:kms:v2:vault:…',
      'k8s:enc:aescbc:v1:key1:???',
      'k8s\u0000…',
      '',
    ];
    expect(numbers.map((value) => forms.numberOf(record(value)))).toEqual([1, 2, 1, PLAIN, PLAIN]);
    expect(forms.numberOf(record('k8s:enc:aescbc:v1:key1:…', `/registry/${'x'.repeat(180)}`))).toBe(1);
    expect([...forms.all()].map(({ provider, name }) => `${provider} ${name}`)).toEqual(['aescbc key1', 'kms vault']);
  });

  it('put again in another form, deleted → only the newest form of a live key counts', () => {
    const keys = new LiveKeys();
    const [a, b] = [Buffer.from('a'), Buffer.from('b')];
    keys.put(a, 1);
    keys.put(b, 1);
    keys.put(a, 2);
    expect([keys.countOf(1), keys.countOf(2), keys.formOf(a), keys.count]).toEqual([1, 1, 2, 2]);
    keys.remove(b);
    expect([keys.countOf(1), keys.formOf(b), keys.count]).toEqual([0, null, 1]);
  });
});
