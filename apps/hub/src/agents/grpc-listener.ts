import type { Server, ServerCredentials } from '@grpc/grpc-js';

const STOP_WITHIN_MS = 2_000;

/** Resolves with the port that was bound; rejects with grpc-js's error, which names the address. */
export function bindServer(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

/** `tryShutdown` never ends while one stream is open (measured): after two seconds what is left is cut. */
export async function stopServer(server: Server): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, STOP_WITHIN_MS);
  });
  await Promise.race([new Promise<void>((resolve) => server.tryShutdown(() => resolve())), late]);
  clearTimeout(timer);
  server.forceShutdown();
}
