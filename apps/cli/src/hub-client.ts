import { CliFailure } from './cli-failure.js';
import { createClient, createConfig, type Client } from './gen/client/index.js';
import type { Problem, RolloutCluster } from './gen/types.gen.js';
import { listRolloutClusters } from './gen/sdk.gen.js';
import type { HubAddress } from './hub-contexts.js';
import { ProblemFailure } from './problem-failure.js';
import type { Surroundings } from './surroundings.js';

/** The hub did not answer at all: a watcher may try again, a command says so. */
export class HubUnreachable extends CliFailure {}

const TIMEOUT_MS = 30_000;
const PAGE = 500;

/** The generated client, with our address and token; the token is sent to no other address, since redirects are refused. */
export function makeHubClient({ url, token }: HubAddress, world: Pick<Surroundings, 'fetch'>): Client {
  return createClient(
    createConfig({
      baseUrl: url,
      fetch: (input, init) => askHub(url, world, [input, init]),
      headers: { Accept: 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      redirect: 'error',
    }),
  );
}

async function askHub(
  url: string,
  world: Pick<Surroundings, 'fetch'>,
  [input, init]: Parameters<typeof fetch>,
): Promise<Response> {
  const stream = input instanceof Request && input.headers.get('Accept') === 'text/event-stream';
  try {
    // A stream lives as long as somebody reads it.
    return await world.fetch(input, stream ? init : { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new HubUnreachable(`The hub at ${url} does not answer: ${whyOf(error)}`);
  }
}

/** fetch hides what went wrong ("fetch failed") behind its cause. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing within ${TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  if (cause instanceof AggregateError) return whyOf(cause.errors[0]);
  return cause instanceof Error ? whyOf(cause) : error.message || ('code' in error ? String(error.code) : error.name);
}

interface Answer<T> {
  readonly data?: T | undefined;
  readonly error?: unknown;
  readonly response?: Response | undefined;
}

/** The answer's data, or the refusal as a failure. */
export async function ask<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  // The generated client hands back what fetch threw instead of throwing it.
  if (error instanceof CliFailure) throw error;
  if (response?.ok && error === undefined) return data as T;
  if (isProblem(error)) throw new ProblemFailure(error);
  const status = response ? `${response.status} ${response.statusText}`.trim() : 'no answer';
  throw new CliFailure(`The hub answered ${status}, which is not the answer of a Wavegate hub. Is the address right?`);
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'title' in value && 'status' in value;
}

/** All pages of a list, in order. */
export async function allPages<T>(
  page: (cursor: string | undefined) => Promise<{ readonly items: readonly T[]; readonly nextCursor: string | null }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const answer = await page(cursor);
    items.push(...answer.items);
    cursor = answer.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

/** Every cluster of a rollout, in its order. */
export function allRolloutClusters(client: Client, rollout: string): Promise<RolloutCluster[]> {
  return allPages((cursor) => {
    const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    return ask(listRolloutClusters({ client, path: { rollout }, query }));
  });
}
