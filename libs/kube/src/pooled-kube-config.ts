import { KubeConfig } from '@kubernetes/client-node';

type Dispatcher = ReturnType<KubeConfig['createDispatcherOptions']>;
type Make = (this: KubeConfig, ...from: Parameters<KubeConfig['createDispatcherOptions']>) => unknown;

/**
 * The client (2.0.1) makes a new connection pool for every request: a TLS handshake each, and sockets that linger for
 * seconds. Its hook for that is private in the types only. One pool per set of TLS options; a rotated certificate
 * gives other options, and so another pool.
 */
export class PooledKubeConfig extends KubeConfig {
  private pool: { readonly options: string; readonly dispatcher: unknown } | null = null;

  constructor() {
    super();
    const make = Reflect.get(KubeConfig.prototype, 'createDispatcher') as Make;
    const pooled: Make = (...from) => {
      const options = optionsText(this.createDispatcherOptions(...from));
      if (this.pool?.options !== options) this.pool = { options, dispatcher: make.apply(this, from) };
      return this.pool.dispatcher;
    };
    Object.defineProperty(this, 'createDispatcher', { value: pooled });
  }
}

function optionsText(options: Dispatcher): string {
  return JSON.stringify(options, (_key, value: unknown) => (Buffer.isBuffer(value) ? value.toString('base64') : value));
}
