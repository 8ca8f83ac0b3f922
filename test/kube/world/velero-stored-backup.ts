import { once } from 'node:events';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';

type Item = Readonly<Record<string, unknown>>;

/**
 * Spoils a backup where it is stored, as a bad disk or a careless hand would: each item passes `change` (null drops it),
 * or the file is cut to its half.
 */
export async function rewriteBackup(
  bucket: string,
  name: string,
  change: 'truncate' | ((path: string, object: Item) => Item | null),
): Promise<void> {
  const file = join(bucket, 'backups', name, `${name}.tar.gz`);
  const stored = readFileSync(file);
  if (change === 'truncate') return truncateSync(file, Math.floor(stored.length / 2));
  const packed = pack();
  const rewritten = (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of packed) chunks.push(chunk as Buffer);
    return gzipSync(Buffer.concat(chunks));
  })();
  const unpacked = extract();
  unpacked.on('entry', ({ name: path }, entry, next) => {
    void text(entry).then((content) => {
      const kept = path.endsWith('.json') && !path.startsWith('metadata') ? changed(path, content, change) : content;
      if (kept !== null) packed.entry({ name: path }, kept);
      next();
    });
  });
  unpacked.end(gunzipSync(stored));
  await once(unpacked, 'finish');
  packed.finalize();
  writeFileSync(file, await rewritten);
}

function changed(path: string, content: string, change: (path: string, object: Item) => Item | null): string | null {
  const object = change(path, JSON.parse(content) as Item);
  return object && JSON.stringify(object);
}
