import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Pack } from 'tar-stream';
import { BackupFailed, messageOf } from '../backup-failed.js';

/** One file of an archive: its bytes, or a stream whose length is known before it begins. */
export interface TarPart {
  readonly name: string;
  readonly body: Uint8Array | { readonly sizeBytes: number; readonly open: () => Readable };
  /** Epoch ms. */
  readonly at: number;
}

/** A tar as a stream, one part after the other; memory does not grow with the size of any of them. */
export async function* toTar(parts: AsyncIterable<TarPart> | Iterable<TarPart>): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const filled = fill(tar, parts).catch((error: unknown) => tar.destroy(error as Error));
  yield* tar as AsyncIterable<Uint8Array>;
  await filled;
}

async function fill(tar: Pack, parts: AsyncIterable<TarPart> | Iterable<TarPart>): Promise<void> {
  for await (const { name, body, at } of parts) {
    const size = body instanceof Uint8Array ? body.length : body.sizeBytes;
    const entry = tar.entry({ name, size, mode: 0o600, mtime: new Date(at) });
    const source = body instanceof Uint8Array ? Readable.from([Buffer.from(body)]) : body.open();
    await pipeline(source, entry as unknown as NodeJS.WritableStream);
  }
  tar.finalize();
}

export interface FoundPart {
  readonly name: string;
  readonly sizeBytes: number;
  /** Must be read to its end before the next part comes. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The parts of a tar, as they come. Throws BackupFailed `corrupt` for what is none. */
export async function* fromTar(bytes: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<FoundPart> {
  const tar = extract();
  // Its own failure (the key, the disk) is told by the reader below, not by this pipe.
  const piped = pipeline(Readable.from(bytes), tar as unknown as NodeJS.WritableStream);
  piped.catch(() => undefined);
  let parts = 0;
  try {
    for await (const entry of tar) {
      parts += 1;
      const { name, size = 0 } = entry.header;
      yield { name, sizeBytes: size, body: whole(entry as AsyncIterable<Uint8Array>, what) };
      // A part that nobody wanted still has to flow by.
      entry.resume();
    }
    await piped;
  } catch (error) {
    throw broken(what, error);
  }
  if (parts === 0) throw new BackupFailed('corrupt', `${what} is an empty archive`);
}

async function* whole(body: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw broken(what, error);
  }
}

function broken(what: string, error: unknown): BackupFailed {
  if (error instanceof BackupFailed) return error;
  return new BackupFailed('corrupt', `${what} is no whole tar archive (${messageOf(error)})`, { cause: error });
}
