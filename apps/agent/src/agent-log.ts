import type { Order } from '@wavegate/fleet';
import { pino, type Logger } from 'pino';

export type AgentLog = Logger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on stdout. */
export function openLog(level: LogLevel): AgentLog {
  return pino({
    level,
    base: { app: 'wavegate-agent' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['token', 'keyPem'],
  });
}

/** The same log with the words by which a line is found again: rollout, cluster, attempt, order. */
export function logOf(log: AgentLog, order: Order): AgentLog {
  return log.child({
    [order.parent.kind]: order.parent.id,
    cluster: order.clusterId,
    attempt: order.attempt,
    order: order.id,
  });
}
