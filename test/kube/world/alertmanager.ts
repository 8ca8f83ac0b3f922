import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildPrograms } from './child-programs.js';
import { eventually } from './eventually.js';
import { freePorts } from './free-ports.js';
import { ALERTMANAGER_VERSION, programPath } from './obtained-programs.js';

type Labels = Readonly<Record<string, string>>;

interface Silence {
  readonly matchers: readonly { readonly name: string; readonly value: string; readonly isEqual: boolean }[];
  readonly createdBy: string;
  readonly comment: string;
  readonly status: { readonly state: string };
}

interface Alert {
  readonly labels: Labels;
  readonly status: { readonly state: string };
}

/** A real Alertmanager that wakes nobody: its receiver sends nothing. */
export class Alertmanager {
  private constructor(
    readonly url: string,
    private readonly programs: ChildPrograms,
  ) {}

  static async start(dir: string): Promise<Alertmanager> {
    const [port = 0] = await freePorts(1);
    const home = join(dir, 'alertmanager');
    mkdirSync(home, { recursive: true });
    const config = join(home, 'alertmanager.yml');
    // JSON is YAML.
    writeFileSync(config, JSON.stringify({ route: { receiver: 'nobody' }, receivers: [{ name: 'nobody' }] }));
    const made = new Alertmanager(`http://127.0.0.1:${port}`, new ChildPrograms(home));
    made.programs.start('alertmanager', programPath('alertmanager', ALERTMANAGER_VERSION), [
      `--config.file=${config}`,
      `--storage.path=${join(home, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
      '--log.level=warn',
    ]);
    await eventually('Alertmanager to be ready', async () => (await fetch(`${made.url}/-/ready`)).status === 200);
    return made;
  }

  async close(): Promise<void> {
    await this.programs.stopAll();
  }

  /** Alerts that fire for the next hour. */
  async fire(all: readonly Labels[]): Promise<void> {
    const now = Date.now();
    const times = { startsAt: new Date(now).toISOString(), endsAt: new Date(now + 3_600_000).toISOString() };
    const body = JSON.stringify(all.map((labels) => ({ labels, ...times })));
    const headers = { 'content-type': 'application/json' };
    const { status } = await fetch(`${this.url}/api/v2/alerts`, { method: 'POST', body, headers });
    if (status !== 200) throw new Error(`alerts refused: ${status}`);
  }

  /** 'active', or 'suppressed' while it is silenced; null where it does not fire. */
  async state(labels: Labels): Promise<string | null> {
    const alerts = (await (await fetch(`${this.url}/api/v2/alerts`)).json()) as Alert[];
    const same = (seen: Labels): boolean =>
      Object.keys(seen).length === Object.keys(labels).length &&
      Object.entries(labels).every(([k, v]) => seen[k] === v);
    return alerts.find((alert) => same(alert.labels))?.status.state ?? null;
  }

  /** Every silence that was made, and those that still stand. */
  async silences(): Promise<{ readonly made: readonly ShownSilence[]; readonly left: readonly ShownSilence[] }> {
    const all = ((await (await fetch(`${this.url}/api/v2/silences`)).json()) as Silence[]).map(shown);
    return { made: all, left: all.filter(({ state }) => state !== 'expired') };
  }
}

export interface ShownSilence {
  readonly labels: string;
  readonly createdBy: string;
  readonly comment: string;
  readonly state: string;
}

function shown({ matchers, createdBy, comment, status }: Silence): ShownSilence {
  const texts = matchers.map(({ name, value, isEqual }) => `${name}${isEqual ? '=' : '!='}${value}`);
  return { labels: texts.sort().join(', '), createdBy, comment, state: status.state };
}
