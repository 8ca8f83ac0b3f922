import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagValue, hostFiles } from './host-files.js';

const FLAG = '--encryption-provider-config';

describe('the API server’s flag for encryption at rest', () => {
  it.each<readonly [string, readonly string[], string | null]>([
    ['one word', ['kube-apiserver', `${FLAG}=/etc/enc.yaml`], '/etc/enc.yaml'],
    ['two words', ['kube-apiserver', FLAG, '/etc/enc.yaml', '--v=2'], '/etc/enc.yaml'],
    ['with underscores', ['kube-apiserver', '--encryption_provider_config=/etc/enc.yaml'], '/etc/enc.yaml'],
    ['in a shell’s line', ['sh', '-c', `exec kube-apiserver --v=2 ${FLAG}='/etc/enc.yaml' 2>&1`], '/etc/enc.yaml'],
    ['in a shell’s line, two words', ['sh', '-c', `kube-apiserver ${FLAG} /etc/enc.yaml`], '/etc/enc.yaml'],
    ['twice', [`${FLAG}=/a`, `${FLAG}=/b`], '/b'],
    ['a path with an equals sign', [`${FLAG}=/etc/a=b.yaml`], '/etc/a=b.yaml'],
    ['only its neighbour', [`${FLAG}-automatic-reload=true`, `${FLAG}-automatic-reload`, '/no'], null],
  ])('%s → found', (_how, words, expected) => {
    expect(flagValue(words, FLAG)).toBe(expected);
  });

  it('two YAML items in the static pod, of a file that is not there → no backup without it', async () => {
    const manifests = mkdtempSync(join(tmpdir(), 'wg-manifests-'));
    try {
      const command = `command:\n    - kube-apiserver\n    - ${FLAG}\n    - /not/here.yaml\n`;
      writeFileSync(
        join(manifests, 'kube-apiserver.yaml'),
        `spec:\n  containers:\n  - name: kube-apiserver\n    ${command}`,
      );
      const asked = { pki: null, manifests, encryptionConfig: null, etcdPort: '1' };
      await expect(hostFiles(asked)).rejects.toMatchObject({
        trouble: 'incomplete',
        message: expect.stringContaining('/not/here.yaml'),
      });
    } finally {
      rmSync(manifests, { recursive: true });
    }
  });
});
