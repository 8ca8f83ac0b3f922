import type { X509Certificate } from 'node:crypto';

const PREFIX = 'spiffe://wavegate/cluster/';

export function clusterUri(clusterId: string): string {
  return PREFIX + encodeURIComponent(clusterId);
}

/**
 * The cluster that a certificate names: by its one SAN URI, never by its subject. Null for anything else, also for a
 * certificate with a second name, since then two readers could see two clusters.
 */
export function clusterOf(certificate: X509Certificate): string | null {
  const match = /^URI:spiffe:\/\/wavegate\/cluster\/([A-Za-z0-9%._~!*'()-]+)$/.exec(certificate.subjectAltName ?? '');
  if (!match?.[1]) return null;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return null;
  }
}

/** Lower-case hex without leading zeros, whoever printed it. */
export function serialOf(certificate: X509Certificate): string {
  return normalSerial(certificate.serialNumber);
}

export function normalSerial(serial: string): string {
  return serial.toLowerCase().replace(/^0+(?=.)/, '');
}
