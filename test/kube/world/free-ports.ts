import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/**
 * Ports of 127.0.0.1 that were free a moment ago. All are held until the last is known, so that one call never names
 * a port twice; the moment between this and the server's own bind is the price of servers that cannot take port 0.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listen() {
  return new Promise<ReturnType<typeof createServer>>((ready, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => ready(server));
  });
}
