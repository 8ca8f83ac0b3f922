/** The few calls the demo makes, as any portal would make them. */
export class HubClient {
  constructor(
    readonly url: string,
    private readonly token: string,
  ) {}

  async get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }

  async post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.call<T>('POST', path, body);
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      // A start waits for the agents that it asks.
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
}

export interface RolloutView {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly finishedAt: string | null;
  readonly currentWave: number;
  readonly size: number;
  readonly done: number;
  readonly waves: readonly {
    readonly index: number;
    readonly phase: string;
    readonly size: number;
    readonly upgraded: number;
    readonly failures: number;
    readonly skipped: number;
  }[];
}

export interface ClusterView {
  readonly name: string;
  readonly wave: number;
  readonly phase: string;
  readonly versions: string;
  readonly connected: boolean;
  readonly outcome: {
    readonly kind: string;
    readonly text: string;
    readonly rung: number | null;
    readonly returned: readonly string[];
    readonly stays: readonly string[];
    readonly standing: Readonly<Record<string, string>>;
    readonly reason: { readonly code: string } | null;
  } | null;
}
