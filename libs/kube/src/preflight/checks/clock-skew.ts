import { BEFORE, type Check, type Found } from '../check.js';

const WARN_MS = 5_000;
const BLOCK_MS = 60_000;

/** Whether this machine, the API server and the hub agree on what time it is. */
export const clockSkew: Check = {
  id: 'clock-skew',
  phases: BEFORE,
  needs: ['version'],
  codes: [
    {
      code: 'clock_skew',
      title: 'Clocks disagree',
      meaning:
        "The clock of the agent's machine and that of the API server (by its Date header, good to half a second) or of the hub are 5 seconds or more apart. Leases, certificates, windows and verdicts are counted by them. From a minute on it blocks.",
      remedy: 'Mend time synchronisation (chrony, systemd-timesyncd) on the machine that is wrong.',
    },
  ],
  run({ clock }, { hubAheadMs }) {
    const server =
      clock && Math.abs(clock.aheadMs) - clock.withinMs >= WARN_MS ? [skewed('the API server', clock.aheadMs)] : [];
    const hub = hubAheadMs !== null && Math.abs(hubAheadMs) >= WARN_MS ? [skewed('the hub', hubAheadMs)] : [];
    return [...server, ...hub];
  },
};

function skewed(whose: string, aheadMs: number): Found {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return {
    code: 'clock_skew',
    severity: Math.abs(aheadMs) >= BLOCK_MS ? 'block' : 'warn',
    object: whose,
    message: `the clock of ${whose} is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
    remedy: 'mend time synchronisation on the machine that is wrong',
  };
}
