import { afterAll, describe, expect, it } from '@jest/globals';
import type { Journal } from '@wavegate/runtime/agent';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedJournalStore } from './simulated-journal-store.js';
// eslint-disable-next-line wavegate/room-fence -- the contract of the port: every store of journals is held to it, and tests alone need it here
import { journalStoreContract } from '../../../../libs/runtime/src/agent/testing/journal-store-contract.js';

const folders: string[] = [];
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wavegate-journals-'));
  folders.push(folder);
  return folder;
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

journalStoreContract('the file store', () => new SimulatedJournalStore(makeFolder()));

describe('journals in files', () => {
  const journal = { order: { id: 'ab12', epoch: 1 }, state: 'running' } as unknown as Journal;

  it('written ten times → one file is left, of the newest version', async () => {
    const folder = makeFolder();
    const store = new SimulatedJournalStore(folder);
    let version: string | null = null;
    for (let i = 0; i < 10; i += 1) version = await store.save(journal, version);
    expect(readdirSync(folder)).toEqual(['ab12.10.json']);
  });

  it('two processes write the same version at once → one wins, the other learns that it has a twin', async () => {
    const folder = makeFolder();
    const [one, two] = [new SimulatedJournalStore(folder), new SimulatedJournalStore(folder)];
    const version = await one.save(journal, null);
    const ends = await Promise.allSettled([one.save(journal, version), two.save(journal, version)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
