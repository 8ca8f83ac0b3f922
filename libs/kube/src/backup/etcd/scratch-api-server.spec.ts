import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { proveByApiServer } from './scratch-api-server.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'wavegate-scratch-server-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A program that notes what it was started with and ends with these last words. */
function proveBy(lastWords: string): Promise<unknown> {
  const program = join(dir, 'kube-apiserver');
  writeFileSync(program, `#!/bin/sh\necho "$*" >> ${join(dir, 'starts')}\necho '${lastWords}' >&2\nexit 1\n`, {
    mode: 0o755,
  });
  const client = { first: () => Promise.resolve(null) };
  const etcd = { address: 'unix:///nowhere', client } as unknown as Parameters<typeof proveByApiServer>[0]['etcd'];
  const boot = { program, etcd, encryptionConfig: null, scratch: dir, prefix: '/registry/' };
  return proveByApiServer(boot, { encrypted: [], plainSecret: null });
}

const startedOn = (): readonly (string | undefined)[] =>
  readFileSync(join(dir, 'starts'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => /--secure-port=(\d+)/.exec(line)?.[1]);

describe('the API server of a proof', () => {
  it('another program takes its port before it binds → tried on others, three in all; then said', async () => {
    const words = 'failed to listen on 127.0.0.1:4: bind: address already in use';
    await expect(proveBy(words)).rejects.toMatchObject({
      trouble: 'not_restorable',
      message: expect.stringMatching(/address already in use/),
    });
    expect(startedOn()).toHaveLength(3);
    expect(readdirSync(dir).sort()).toEqual(['kube-apiserver', 'starts']);
  });

  it('it ends for any other cause → said at once', async () => {
    await expect(proveBy('no such file: keys.yaml')).rejects.toMatchObject({ trouble: 'not_restorable' });
    expect(startedOn()).toHaveLength(1);
  });
});
