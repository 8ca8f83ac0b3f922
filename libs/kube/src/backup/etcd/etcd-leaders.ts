import { get as getPlain } from 'node:http';
import { get as getTls } from 'node:https';
import type { EtcdTls } from './etcd-client.js';

/** How often the leader changed since a member's process began. */
export interface LeaderChanges {
  readonly count: number;
  /** Epoch ms. */
  readonly since: number;
}

const ANSWER_MS = 5_000;
/** A real page has some 200 KiB. */
const PAGE_LIMIT = 4 * 2 ** 20;

/** etcd's API has only the raft term, which has no time; its metrics, served beside the API, count. Null: not to be had. */
export async function leaderChanges(endpoint: string, tls: EtcdTls | null): Promise<LeaderChanges | null> {
  const text = await page(new URL('/metrics', endpoint), tls).catch(() => '');
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? 'none');
  const count = value('etcd_server_leader_changes_seen_total');
  const since = value('process_start_time_seconds') * 1000;
  return Number.isFinite(count) && Number.isFinite(since) ? { count, since } : null;
}

function page(url: URL, tls: EtcdTls | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: ANSWER_MS, agent: false };
    const request = url.protocol === 'http:' ? getPlain(url, options) : getTls(url, { ...options, ...tls });
    request.once('timeout', () => request.destroy(new Error('no answer')));
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > PAGE_LIMIT) request.destroy(new Error('too long'));
      });
      response.once('error', reject);
      response.once('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error('refused'))));
    });
  });
}
