import { reason, type HardGate } from '@wavegate/fleet';
import type { SeenAlert } from './prometheus-client.js';

/** Alerts are evaluated every minute or less: one that became active a moment before the change's first step is not its work. */
export function gatesOfAlerts(
  alerts: readonly SeenAlert[],
  match: Readonly<Record<string, string>>,
  since: number,
): HardGate[] {
  return alerts
    .filter(({ state, labels }) => state === 'firing' && hasLabels(labels, match))
    .filter(({ activeAt }) => Date.parse(activeAt) >= since)
    .map(({ labels, activeAt }) => {
      const { alertname = 'alert', ...others } = labels;
      const text = Object.keys(others)
        .sort()
        .map((name) => `${name}=${others[name]}`)
        .join(', ')
        .slice(0, 200);
      const why = reason('alert_firing', { alert: alertname, labels: text, since: Date.parse(activeAt) });
      return { name: `alert/${alertname}`, violated: true, reason: why };
    });
}

export function hasLabels(labels: Readonly<Record<string, string>>, match: Readonly<Record<string, string>>): boolean {
  return Object.entries(match).every(([name, value]) => labels[name] === value);
}
