import type { Server, ServerCredentials } from '@grpc/grpc-js';

export const STOP_WITHIN_MS = 2_000;

/** Resolves with the port that was bound; rejects with grpc-js's error, which names the address. */
export function bindServer(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

/** `tryShutdown` never ends while one stream is open (measured): after two seconds what is left is cut. */
export async function stopServer(server: Server): Promise<void> {
  await withinMs(new Promise<void>((resolve) => server.tryShutdown(() => resolve())), STOP_WITHIN_MS);
  server.forceShutdown();
}

/** Waits for `work`, but no longer than this. */
export async function withinMs(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
