import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openKube } from './kube-access.js';

describe('where a cluster is looked for', () => {
  const before = { ...process.env };
  beforeEach(() => {
    process.env.HOME = mkdtempSync(join(tmpdir(), 'wavegate-home-'));
    delete process.env.KUBECONFIG;
    delete process.env.KUBERNETES_SERVICE_HOST;
  });
  afterEach(() => {
    rmSync(process.env.HOME ?? '', { recursive: true, force: true });
    process.env = { ...before };
  });

  it('no kubeconfig at all → says where it was looked for', () => {
    expect(() => openKube({})).toThrow(/no kubeconfig was found \(--kubeconfig, \$KUBECONFIG, ~\/\.kube\/config\)/);
  });

  it('a context that is not there → named, with those that are', () => {
    const kubeconfig = join(process.env.HOME ?? '', 'config');
    const clusters = [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }];
    const contexts = [{ name: 'stg-1', context: { cluster: 'a', user: 'u' } }];
    const users = [{ name: 'u', user: {} }];
    writeFileSync(kubeconfig, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters, contexts, users }));
    expect(() => openKube({ kubeconfig, context: 'prd-1' })).toThrow(
      /"prd-1" is not in the kubeconfig \(known: stg-1\)/,
    );
  });
});
