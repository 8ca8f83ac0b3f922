import type { EndpointPicture } from './picture.js';

export interface OtherServer {
  readonly host: string;
  readonly port: number;
  /** host:port, for a person. */
  readonly at: string;
  /** "https://10.0.0.5:6443" */
  readonly origin: string;
}

/** The API servers behind the Service `kubernetes`, but for the one that is dialled anyway under this very address. */
export function otherServers(main: URL, endpoints: readonly EndpointPicture[]): readonly OtherServer[] {
  const own = main.port || (main.protocol === 'http:' ? '80' : '443');
  const name = main.hostname.replace(/^\[|\]$/g, '');
  return endpoints
    .filter(({ address, port }) => address !== name || String(port) !== own)
    .map(({ address, port }) => {
      const host = address.includes(':') ? `[${address}]` : address;
      return { host: address, port, at: `${host}:${port}`, origin: `https://${host}:${port}` };
    });
}
