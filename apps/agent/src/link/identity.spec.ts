import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileIdentityStore, type AgentIdentity } from './identity.js';

const identity: AgentIdentity = { clusterId: 'c-1', keyPem: 'key', chainPem: 'chain', rootsPem: 'roots' };

describe('an identity kept in a directory', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wavegate-identity-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('nothing there → null', async () => {
    expect(await new FileIdentityStore(join(folder, 'none')).load()).toBeNull();
  });

  it('saved → loaded again, by its owner only, with nothing left beside it', async () => {
    const directory = join(folder, 'agent');
    await new FileIdentityStore(directory).save(identity);
    await new FileIdentityStore(directory).save({ ...identity, keyPem: 'newer' });
    expect(await new FileIdentityStore(directory).load()).toEqual({ ...identity, keyPem: 'newer' });
    expect(await readdir(directory)).toEqual(['identity.json']);
    expect((await stat(join(directory, 'identity.json'))).mode & 0o777).toBe(0o600);
  });

  it('a file that is something else → an error that names it', async () => {
    await writeFile(join(folder, 'identity.json'), '{"keyPem":""}');
    await expect(new FileIdentityStore(folder).load()).rejects.toThrow(
      `${folder}/identity.json holds no agent identity`,
    );
  });
});
