import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { newIdentity, checkRecipients, seal, unseal } from './seal.js';
import { fromTar, toTar } from './tarball.js';

const what = { path: 'x.age', encryptedTo: ['age1a', 'age1b'] };

async function all(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

const stream = (bytes: Buffer): Readable => Readable.from(pieces(bytes), { objectMode: false });

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

describe('encryption', () => {
  it('to two recipients → either opens it, a third does not and is told whose it is', async () => {
    const [cluster, recovery, other] = await Promise.all([newIdentity(), newIdentity(), newIdentity()]);
    const plain = Buffer.alloc(300_000, 'plain ');
    const sealed = await all(await seal(stream(plain), [cluster.recipient, recovery.recipient]));
    expect(sealed.includes('plain plain')).toBe(false);
    for (const { identity } of [cluster, recovery])
      expect((await all(await unseal(stream(sealed), [identity], what))).equals(plain)).toBe(true);
    await expect(unseal(stream(sealed), [other.identity], what)).rejects.toMatchObject({
      trouble: 'wrong_key',
      message: expect.stringContaining('age1a and age1b'),
    });
  });

  it('cut at any place, or one bit changed → corrupt, never a shorter plain text', async () => {
    const { identity, recipient } = await newIdentity();
    const sealed = await all(await seal(stream(Buffer.alloc(200_000, 'x')), [recipient]));
    const flipped = Buffer.from(sealed);
    flipped[150_000] = (flipped[150_000] ?? 0) ^ 1;
    const cuts = [1, 17, 65_552, 100_000].map((less) => sealed.subarray(0, sealed.length - less));
    for (const bytes of [...cuts, flipped]) {
      const opened = unseal(stream(bytes), [identity], what).then(all);
      await expect(opened).rejects.toMatchObject({ trouble: 'corrupt' });
    }
  });

  it('a recipient that is none, or is a private key → refused without repeating the key', async () => {
    await expect(checkRecipients(['age1nonsense'])).rejects.toThrow(/an age public key begins with age1/);
    const { identity } = await newIdentity();
    await expect(checkRecipients([identity])).rejects.toThrow(/^(?!.*AGE-SECRET).*a private key/);
  });
});

describe('a tar', () => {
  it('parts of all sizes, one of them a stream → come back by name and byte', async () => {
    const large = Buffer.alloc(1_000_000, 'etcd');
    const parts = [
      { name: 'empty', body: Buffer.alloc(0), at: 0 },
      { name: `pki/${'n'.repeat(150)}.crt`, body: Buffer.from('cert'), at: 0 },
      { name: 'etcd/snapshot.db', body: { sizeBytes: large.length, open: () => stream(large) }, at: 0 },
    ];
    const found: [string, Buffer][] = [];
    for await (const part of fromTar(toTar(parts), 'x.tar')) found.push([part.name, await all(part.body)]);
    expect(found.map(([name]) => name)).toEqual(parts.map(({ name }) => name));
    expect(found[2]?.[1].equals(large)).toBe(true);
  });

  it('cut short, or something else → corrupt', async () => {
    const bytes = await all(toTar([{ name: 'a', body: Buffer.alloc(5_000, 'a'), at: 0 }]));
    const read = async (from: Buffer) => {
      for await (const part of fromTar(stream(from), 'x.tar')) await all(part.body);
    };
    await expect(read(bytes.subarray(0, 3_000))).rejects.toMatchObject({ trouble: 'corrupt' });
    await expect(read(Buffer.alloc(3_000, 'no tar'))).rejects.toMatchObject({ trouble: 'corrupt' });
  });

  it('a part whose source fails → the tar fails with it', async () => {
    const open = () =>
      Readable.from(
        (function* () {
          throw new Error('the disk is gone');
        })(),
      );
    await expect(all(toTar([{ name: 'a', body: { sizeBytes: 5, open }, at: 0 }]))).rejects.toThrow('the disk is gone');
  });
});
