/** What every provider of encryption at rest writes before its ciphertext. */
const MARK = Buffer.from('k8s:enc:');
/** Provider, version and name of the key or plugin: `k8s:enc:aescbc:v1:key1:`. A name has at most so many letters. */
const SEEN_BYTES = 320;
const PREFIX = /^k8s:enc:([a-z]+):(v\d+):([^:]+):/;
/** Keys are told apart by a byte; nobody has had so many keys at once. */
const MOST = 200;
export const PLAIN = 0;

/** The keys of one provider's key, as they lie in etcd. */
export interface StoredForm {
  /** `aescbc`, `aesgcm`, `secretbox`, `kms`; '' where the prefix is none that we know. */
  readonly provider: string;
  /** Of its key, or of the plugin. */
  readonly name: string;
  /** How many live keys are stored so. */
  readonly keys: number;
  /** One of them, a Secret if there is one. */
  readonly sample: string;
}

/** "aescbc key1" */
export const formText = ({ provider, name }: Pick<StoredForm, 'provider' | 'name'>): string =>
  provider ? `${provider} ${name}` : 'an unknown provider';

/** "1,200 by aescbc key1, 3 by aescbc key2" */
export const formsText = (forms: readonly StoredForm[]): string =>
  forms.map((form) => `${form.keys.toLocaleString('en-US')} by ${formText(form)}`).join(', ');

/** Gives each way in which values are stored a small number: 0 is plain. */
export class StoredForms {
  private readonly numbers = new Map<string, number>();

  /** `record`: an `mvccpb.KeyValue`; its value is field 5, after the key and three numbers. */
  numberOf(record: Buffer): number {
    const at = valueAt(record);
    if (at === null || !record.subarray(at, at + MARK.length).equals(MARK)) return PLAIN;
    const text = record.toString('latin1', at, at + SEEN_BYTES);
    const prefix = PREFIX.exec(text)?.[0] ?? '';
    const known = this.numbers.get(prefix);
    if (known !== undefined) return known;
    const next = Math.min(this.numbers.size + 1, MOST);
    this.numbers.set(prefix, next);
    return next;
  }

  /** In the order in which they were first seen. */
  *all(): Generator<{ readonly number: number } & Pick<StoredForm, 'provider' | 'name'>> {
    for (const [prefix, number] of this.numbers) {
      const [, provider = '', , name = ''] = PREFIX.exec(prefix) ?? [];
      yield { number, provider, name };
    }
  }
}

/** Where the bytes of field 5 begin; null: the key has no value. */
function valueAt(record: Buffer): number | null {
  for (let at = 0; at < record.length;) {
    const tag = record[at] ?? 0;
    const { value, next } = varint(record, at + 1);
    if (tag === 0x2a) return next;
    at = (tag & 7) === 2 ? next + value : next;
  }
  return null;
}

function varint(bytes: Buffer, from: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = from, scale = 1; ; at += 1, scale *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: at + 1 };
  }
}

/** Secrets first: they are what encryption at rest is for, and can always be asked for by name. */
export function sampleRank(key: string, prefix: string): number {
  const resource = key.slice(prefix.length).split('/')[0] ?? '';
  if (resource === 'secrets') return 0;
  return resource === 'configmaps' ? 1 : 2;
}
