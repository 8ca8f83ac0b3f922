import { pino, type Logger } from 'pino';

/** JSON lines on stdout. Lines about one rollout, cluster or attempt carry these as fields (child loggers). */
export function openLog(level: string): Logger {
  return pino({
    level,
    base: { app: 'wavegate-hub' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['req.headers.authorization', 'req.headers.cookie', 'token', 'secret'],
  });
}
