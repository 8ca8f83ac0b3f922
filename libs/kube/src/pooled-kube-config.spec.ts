import { describe, expect, it } from '@jest/globals';
import { PooledKubeConfig } from './pooled-kube-config.js';

const pem = (text: string): string => Buffer.from(text).toString('base64');

function configured(token: string, ca = 'ca'): PooledKubeConfig {
  const config = new PooledKubeConfig();
  use(config, token, ca);
  return config;
}

function use(config: PooledKubeConfig, token: string, ca: string): void {
  config.loadFromOptions({
    clusters: [{ name: 'c', server: 'https://127.0.0.1:6443', caData: pem(ca) }],
    users: [{ name: 'u', token }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
}

/** The client asks for one before every request, by a method that only its types hide. */
async function poolOf(config: PooledKubeConfig): Promise<unknown> {
  const asked = { dispatcher: null as unknown };
  const request = { setDispatcher: (one: unknown) => (asked.dispatcher = one), setHeaderParam: () => undefined };
  const whatever = new Proxy(request, { get: (target, key) => Reflect.get(target, key) ?? (() => undefined) });
  await config.applySecurityAuthentication(whatever as never);
  return asked.dispatcher;
}

describe('connections to one API server', () => {
  it('request after request → the same pool; another CA → another pool', async () => {
    const config = configured('t');
    const first = await poolOf(config);
    expect(first).toBeTruthy();
    expect(await poolOf(config)).toBe(first);
    use(config, 't', 'another');
    const second = await poolOf(config);
    expect(second).not.toBe(first);
    expect(await poolOf(config)).toBe(second);
  });
});
