import { KubeConfig } from '@kubernetes/client-node';

type Dispatcher = ReturnType<KubeConfig['createDispatcherOptions']>;
type Make = (this: KubeConfig, ...from: Parameters<KubeConfig['createDispatcherOptions']>) => unknown;

/**
 * The client (2.0.1) makes a new connection pool for every request: a TLS handshake each, and sockets that linger for
 * seconds. Its hook for that is private in the types only. One pool per set of TLS options; a rotated certificate
 * gives other options, and so another pool.
 */
export class PooledKubeConfig extends KubeConfig {
  private pool: { readonly options: Dispatcher; readonly dispatcher: unknown } | null = null;

  constructor() {
    super();
    const make = Reflect.get(KubeConfig.prototype, 'createDispatcher') as Make;
    const pooled: Make = (...from) => {
      const options = this.createDispatcherOptions(...from);
      if (!this.pool || !isSame(this.pool.options, options)) {
        this.pool = { options, dispatcher: make.apply(this, from) };
      }
      return this.pool.dispatcher;
    };
    Object.defineProperty(this, 'createDispatcher', { value: pooled });
  }
}

/** Asked before every request: bytes are compared as bytes, not made a text of. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return a.equals(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && left.every(([name, value]) => isSame(value, Reflect.get(b, name)));
}
