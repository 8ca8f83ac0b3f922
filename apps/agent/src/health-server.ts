import { createServer, type ServerResponse } from 'node:http';
import type { AgentGauges } from './agent-gauges.js';

/**
 * `/livez`: the process answers. `/readyz`: it holds an identity; a hub that is away does not make an agent unready,
 * because it can finish its order without one; nor does standing by, which is all that a second agent has to do. `/metrics`: Prometheus.
 */
export async function serveHealth(
  at: { readonly host: string; readonly port: number },
  gauges: AgentGauges,
): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    switch (request.url?.split('?')[0]) {
      case '/livez':
        return answer(response, 200, 'ok\n');
      case '/readyz':
        if (gauges.standingBy) return answer(response, 200, 'standing by: another agent works\n');
        return gauges.enrolled ? answer(response, 200, 'ok\n') : answer(response, 503, 'not enrolled yet\n');
      case '/metrics':
        return answer(response, 200, gauges.page());
      default:
        return answer(response, 404, 'livez, readyz and metrics are served here\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
  // Probes must not keep a stopping agent alive.
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}
