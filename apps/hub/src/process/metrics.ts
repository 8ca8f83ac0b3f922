import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** What /metrics shows; names and labels in the words of the glossary. */
export interface HubMetrics {
  readonly registry: Registry;
  readonly agentsConnected: Gauge;
  readonly agentRefusals: Counter<'reason'>;
  readonly agentMessages: Counter<'kind'>;
  readonly enrolments: Counter<'result'>;
  readonly decisions: Counter<'event' | 'result'>;
  readonly decisionSeconds: Histogram;
  readonly orders: Counter<'kind' | 'state'>;
  readonly rollouts: Gauge<'state'>;
  readonly waveClusters: Gauge<'phase'>;
  readonly httpSeconds: Histogram<'route' | 'status'>;
}

export function openMetrics(): HubMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const seconds = { buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5], registers };
  return {
    registry,
    agentsConnected: new Gauge({
      name: 'wavegate_agents_connected',
      help: 'Agents with a live stream to this replica',
      registers,
    }),
    agentRefusals: new Counter({
      name: 'wavegate_agent_refusals_total',
      help: 'Streams, messages and reports refused, by reason',
      labelNames: ['reason'],
      registers,
    }),
    agentMessages: new Counter({
      name: 'wavegate_agent_messages_total',
      help: 'Messages taken from agents',
      labelNames: ['kind'],
      registers,
    }),
    enrolments: new Counter({
      name: 'wavegate_enrolments_total',
      help: 'Enrolments and renewals by result',
      labelNames: ['result'],
      registers,
    }),
    decisions: new Counter({
      name: 'wavegate_decisions_total',
      help: 'Events decided, by event and whether they fitted',
      labelNames: ['event', 'result'],
      registers,
    }),
    decisionSeconds: new Histogram({ name: 'wavegate_decision_seconds', help: 'Time of one decision', ...seconds }),
    orders: new Counter({
      name: 'wavegate_orders_total',
      help: 'Orders by kind and the state they reached',
      labelNames: ['kind', 'state'],
      registers,
    }),
    rollouts: new Gauge({ name: 'wavegate_rollouts', help: 'Rollouts by state', labelNames: ['state'], registers }),
    waveClusters: new Gauge({
      name: 'wavegate_rollout_clusters',
      help: 'Clusters of unfinished rollouts by phase',
      labelNames: ['phase'],
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'wavegate_http_request_seconds',
      help: 'REST requests',
      labelNames: ['route', 'status'],
      ...seconds,
    }),
  };
}
