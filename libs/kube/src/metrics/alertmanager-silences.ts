import {
  isSilenceOf,
  SILENCE_AUTHOR,
  silenceComment,
  silenceMatchers,
  type Order,
  type PlanSilence,
  type SilenceMatcher,
} from '@wavegate/fleet';
import type { AgentLog, Silences } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import type { AlertmanagerClient, SeenSilence, WantedSilence } from './alertmanager-client.js';
import { MetricSettingsProblem, type MetricSource } from './metric-sources.js';
import { SourceAccess } from './source-access.js';

/** So long a silence outlives an agent that died. */
const LASTS_MS = 5 * 60_000;
/** Renewed when less than this is left: three looks may fail before it runs out. */
const RENEWED_BELOW_MS = 4 * 60_000;

export interface SilenceMeans {
  readonly kube: KubeAccess;
  readonly namespace: string;
  readonly now: () => number;
  readonly log: AgentLog;
}

type Request = Parameters<Silences['keep']>[0];

/** A silence that shall stand, and for which node. */
interface Wanted {
  readonly node: string;
  readonly matchers: readonly SilenceMatcher[];
}

/**
 * Silences in the Alertmanagers that the cluster's admin allows. Nothing is remembered here: what stands is read each
 * time, and ours are known by author, order and labels, so that a restarted agent goes on with what it finds.
 */
export class AlertmanagerSilences implements Silences {
  private readonly sources: SourceAccess;

  constructor(private readonly means: SilenceMeans) {
    this.sources = new SourceAccess(means.kube, means.namespace);
  }

  async keep(request: Request): Promise<void> {
    const settings = await this.sources.settings();
    const silences = request.plan.spec.verdict.silences ?? [];
    const places = new Map<string, { source: MetricSource; silences: PlanSilence[] }>();
    for (const silence of silences) {
      const source = sourceOf(settings?.alertmanagers ?? [], silence.alertmanager ?? null);
      const place = places.get(source.name) ?? { source, silences: [] };
      place.silences.push(silence);
      places.set(source.name, place);
    }
    // One that is away must not keep the others from being looked after.
    const asked = [...places.values()].map((place) => this.keepIn(place.source, place.silences, request));
    const failed = (await Promise.allSettled(asked)).find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async keepIn(source: MetricSource, silences: readonly PlanSilence[], request: Request): Promise<void> {
    const { order, plan, nodes } = request;
    const client = await this.sources.openAlertmanager(source);
    const left = (await client.silences()).filter((seen) => isOurs(seen, order));
    for (const wanted of wantedOf(source, silences, { plan, nodes })) {
      const at = left.findIndex(({ matchers }) => sameLabels(matchers, wanted.matchers));
      const [standing] = at < 0 ? [] : left.splice(at, 1);
      await this.hold(client, wanted, { order, standing: standing ?? null });
    }
    for (const { id, comment } of left) {
      await client.expire(id);
      this.means.log.info('silence ended', { order: order.id, silence: id, comment });
    }
  }

  private async hold(
    client: AlertmanagerClient,
    { node, matchers }: Wanted,
    { order, standing }: { readonly order: Order; readonly standing: SeenSilence | null },
  ): Promise<void> {
    const now = this.means.now();
    if (standing && Date.parse(standing.endsAt) - now >= RENEWED_BELOW_MS) return;
    const comment = silenceComment(order, node);
    const until = new Date(now + LASTS_MS).toISOString();
    const silence: WantedSilence = {
      // One that stands keeps its beginning: with another one Alertmanager would make a second silence.
      ...(standing ? { id: standing.id } : {}),
      ...{ matchers, startsAt: standing?.startsAt ?? new Date(now).toISOString(), endsAt: until },
      ...{ createdBy: SILENCE_AUTHOR, comment },
    };
    await client.put(silence);
    const labels = matchers.map(({ name, value, isEqual }) => `${name}${isEqual ? '=' : '!='}${value}`).join(', ');
    if (!standing) this.means.log.info('alerts silenced', { order: order.id, node, labels, until });
  }
}

/** The Alertmanager of that name, or the first. Throws MetricSettingsProblem: the admin allows none such. */
export function sourceOf(alertmanagers: readonly MetricSource[], name: string | null): MetricSource {
  const found = name === null ? alertmanagers[0] : alertmanagers.find((one) => one.name === name);
  if (found) return found;
  const known = alertmanagers.map((one) => one.name).join(', ') || 'none';
  const which = name === null ? 'no Alertmanager is allowed' : `no Alertmanager is called "${name}"; known: ${known}`;
  throw new MetricSettingsProblem(`ConfigMap wavegate-metrics: ${which}`);
}

function wantedOf(
  { labels }: MetricSource,
  silences: readonly PlanSilence[],
  { plan, nodes }: Pick<Request, 'plan' | 'nodes'>,
): Wanted[] {
  const blocking = plan.spec.verdict.alerts.map(({ match }) => match);
  return nodes.flatMap((node) =>
    silences.map((silence) => ({ node, matchers: silenceMatchers(silence, { node, cluster: labels, blocking }) })),
  );
}

function isOurs({ createdBy, comment, status }: SeenSilence, { id }: Order): boolean {
  return createdBy === SILENCE_AUTHOR && status.state !== 'expired' && isSilenceOf(comment, id);
}

function sameLabels(seen: readonly SilenceMatcher[], wanted: readonly SilenceMatcher[]): boolean {
  const text = (all: readonly SilenceMatcher[]): string =>
    all
      .map(({ name, value, isEqual, isRegex }) => JSON.stringify([name, value, isEqual, isRegex]))
      .sort()
      .join();
  return text(seen) === text(wanted);
}
