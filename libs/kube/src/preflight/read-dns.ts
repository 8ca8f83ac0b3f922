import { Resolver } from 'node:dns/promises';
import type { DnsPicture, KubeadmPicture } from './picture.js';

/** Some seconds in all: a DNS server that needs longer is not one that pods can work with. */
const TIMEOUT_MS = 2_000;
const TRIES = 3;

/** Said by the server itself: it is there, and has no address of that family. */
const ANSWERED: ReadonlySet<string> = new Set(['ENODATA']);
/** Nobody said anything. */
const SILENT: ReadonlySet<string> = new Set(['ETIMEOUT', 'ECONNREFUSED', 'ECANCELLED', 'EHOSTUNREACH', 'ENETUNREACH']);

/**
 * Asks the cluster's DNS for the one name that every cluster has, by the address that kubelets give to pods. Null where
 * that address is not known. Only from inside the cluster: from elsewhere the address leads nowhere, or somewhere else.
 */
export async function askDns({ configuration, kubelet }: KubeadmPicture): Promise<DnsPicture | null> {
  if (!kubelet) return null;
  const { clusterDNS: servers, clusterDomain } = kubelet.config;
  const server = Array.isArray(servers) ? text(servers[0]) : '';
  if (server === '') return null;
  const domain = text(clusterDomain) || configuration?.dnsDomain || 'cluster.local';
  return ask(server, `kubernetes.default.svc.${domain}`);
}

async function ask(server: string, name: string): Promise<DnsPicture> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  try {
    resolver.setServers([server]);
    await resolver.resolve4(name);
    return { server, name, answer: 'known', why: '' };
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    if (ANSWERED.has(code)) return { server, name, answer: 'known', why: '' };
    return { server, name, answer: SILENT.has(code) ? 'none' : 'wrong', why: code };
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
