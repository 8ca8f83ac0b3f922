import { Readable } from 'node:stream';
import { BackupFailed, messageOf } from '../backup-failed.js';

type WebBytes = ReadableStream<Uint8Array>;
type NodeWeb = Parameters<typeof Readable.fromWeb>[0];

/** Encrypts to every recipient (age, age-encryption.org/v1). The private keys are nowhere near. */
export async function seal(
  body: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
): Promise<AsyncIterable<Uint8Array>> {
  const encrypter = await encrypterTo(recipients);
  const sealed = await encrypter.encrypt(ReadableStream.from(body) as WebBytes);
  return Readable.fromWeb(sealed as NodeWeb);
}

/** Throws BackupFailed `invalid` naming the one that is no public key: at validation, before anything is read. */
export async function checkRecipients(recipients: readonly string[]): Promise<void> {
  await encrypterTo(recipients);
}

async function encrypterTo(recipients: readonly string[]) {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (error) {
      const secret = recipient.toUpperCase().startsWith('AGE-SECRET-KEY');
      const shown = secret ? 'a private key' : `"${recipient.slice(0, 80)}"`;
      const cure = secret ? 'give the public one, and keep that to yourself' : 'an age public key begins with age1';
      throw new BackupFailed('invalid', `--recipient ${shown}: ${cure}`, { cause: error });
    }
  }
  return encrypter;
}

/** Decrypts with whichever of the keys fits. Throws BackupFailed `wrong_key`, or `corrupt` while it flows. */
export async function unseal(
  body: AsyncIterable<Uint8Array>,
  identities: readonly string[],
  what: { readonly path: string; readonly encryptedTo: readonly string[] },
): Promise<AsyncIterable<Uint8Array>> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity);
    } catch (error) {
      const words = '--identity: that file holds a line that is no age private key (AGE-SECRET-KEY-…)';
      throw new BackupFailed('invalid', words, { cause: error });
    }
  }
  try {
    const opened = await decrypter.decrypt(ReadableStream.from(body) as WebBytes);
    return damagedUnlessWhole(Readable.fromWeb(opened as NodeWeb), what.path);
  } catch (error) {
    const said = messageOf(error);
    if (/no identity matched/i.test(said)) {
      const words = `the key given with --identity does not open it; it was encrypted to ${what.encryptedTo.join(' and ')}`;
      throw new BackupFailed('wrong_key', `${what.path}: ${words}`);
    }
    throw new BackupFailed('corrupt', `${what.path} is no age file, or its head is damaged (${said})`, {
      cause: error,
    });
  }
}

async function* damagedUnlessWhole(body: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    if (error instanceof BackupFailed) throw error;
    const words = `${what} cannot be decrypted to its end: it was cut short or changed (${messageOf(error)})`;
    throw new BackupFailed('corrupt', words, { cause: error });
  }
}

/** A new pair: the public key is for backups, the private one for a safe. */
export async function newIdentity(): Promise<{ readonly identity: string; readonly recipient: string }> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}
