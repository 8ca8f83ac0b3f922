import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import type { KubeAccess } from '../kube-access.js';
import { bareVersion } from '../node-view.js';
import { otherServers } from './other-servers.js';
import type { CertificatePicture, EndpointPicture, ServerPicture } from './picture.js';
import type { RawReader } from './raw-reader.js';

/** Addresses behind a balancer may not be reachable from a laptop: not worth long waits. */
const DIAL_MS = 3_000;

export interface Servers {
  readonly servers: readonly ServerPicture[];
  readonly certificates: readonly CertificatePicture[];
  /** Addresses of the plane that did not answer from here. */
  readonly unreached: readonly string[];
}

/**
 * Every API server that can be reached from here: the one of the kubeconfig, and each that the Service `kubernetes`
 * names. A balancer would hide the one with the old certificate or the old version.
 */
export async function readServers(reader: RawReader, others: readonly EndpointPicture[]): Promise<Servers> {
  const main = reader.server;
  const port = Number(main.port || (main.protocol === 'http:' ? 80 : 443));
  const first = await readServer(reader, { host: main.hostname, port, origin: null });
  const seen = await Promise.all(
    otherServers(main, others).map(({ at, ...address }) => readServer(reader, address).catch(() => at)),
  );
  const servers = [first, ...seen.filter((one) => typeof one !== 'string')];
  return {
    servers,
    certificates: servers.flatMap(({ certificate }) => certificate ?? []),
    unreached: seen.filter((one) => typeof one === 'string'),
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
  /** Null: the kubeconfig's own server. */
  readonly origin: string | null;
}

async function readServer(reader: RawReader, { host, port, origin }: Address): Promise<ServerPicture> {
  const ask = origin === null ? {} : { origin, timeoutMs: DIAL_MS };
  const [version, readyz, until] = await Promise.all([
    reader.json<{ gitVersion?: string }>('/version', ask),
    reader.answer('/readyz?verbose', { ...ask, accept: 'text/plain' }),
    reader.server.protocol === 'http:' ? null : certificateEnd(host, port),
  ]);
  const at = `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
  return {
    at,
    version: bareVersion(version.gitVersion),
    failing: failingChecks(readyz),
    certificate: until === null ? null : { of: `the API server at ${at}`, until },
  };
}

/** Lines "[-]name failed: …" of /readyz?verbose; 401 and 403 say nothing about readiness. */
export function failingChecks({ code, body }: { readonly code: number; readonly body: string }): string[] {
  const failing = body.split('\n').filter((line) => line.startsWith('[-]'));
  if (failing.length > 0) return failing.map((line) => line.slice(3));
  return code >= 500 ? [`/readyz answers ${code}`] : [];
}

/** What is served counts, not what lies in a file: a server that was not restarted serves the old one. Null: not reached. */
function certificateEnd(host: string, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    // Only the certificate is looked at; nothing is sent over this connection.
    const name = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: DIAL_MS, ...name }, () => {
      const text = socket.getPeerCertificate().valid_to;
      socket.destroy();
      resolve(text ? new Date(text).getTime() : null);
    });
    socket.on('error', () => resolve(null));
    socket.on('timeout', () => (socket.destroy(), resolve(null)));
  });
}

/** The authorities that the kubeconfig trusts for this cluster, and our own client certificate. */
export function ownCertificates(kube: KubeAccess): {
  readonly authorities: readonly CertificatePicture[];
  readonly client: CertificatePicture | null;
} {
  const cluster = kube.config.getCurrentCluster();
  const user = kube.config.getCurrentUser();
  const authorities = certificatesIn(cluster?.caData, cluster?.caFile).map((one) => ({
    of: `the cluster's certificate authority (${one.subject.replaceAll('\n', ', ')})`,
    until: Date.parse(one.validTo),
  }));
  const [client] = certificatesIn(user?.certData, user?.certFile);
  const of = `the client certificate of context ${kube.config.getCurrentContext()}`;
  return { authorities, client: client ? { of, until: Date.parse(client.validTo) } : null };
}

function certificatesIn(data: string | undefined, file: string | undefined): X509Certificate[] {
  try {
    const text = data ? Buffer.from(data, 'base64').toString() : file ? readFileSync(file, 'utf8') : '';
    return (text.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g) ?? []).map(
      (pem) => new X509Certificate(pem),
    );
  } catch {
    // Unreadable here means the connection itself would have failed, and that has its own message.
    return [];
  }
}
