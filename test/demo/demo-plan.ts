import type { PlanInput } from '@wavegate/fleet';
import { DEMO_TARGET } from '@wavegate/simulator';

/**
 * A plan as a platform team would write it; only its times are a demo's: seconds where life has minutes, to go with
 * clusters that are simulated at several hundred times the speed of real ones.
 */
export const DEMO_PLAN: PlanInput = {
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name: 'k135-demo', labels: { change: 'CHG-20417' } },
  spec: {
    target: DEMO_TARGET,
    clusters: { selector: 'env in (staging, prod)' },
    strategy: {
      waves: ['5%', '25%', '50%', '100%'],
      rings: ['env=staging', 'env=prod'],
      spreadBy: ['region'],
      maxInFlight: 14,
      budget: { firstWave: 0, laterWaves: '5%' },
      offline: { deadline: '6s', then: 'skip' },
    },
    gates: { soak: { default: '1s', 'env=prod': '1500ms' } },
    drain: { timeout: '30s', maxUnavailable: 1 },
    verdict: {
      objectives: ['checkout-availability'],
      window: '60s',
      period: '250ms',
      minSoak: '500ms',
      allowance: { controlPlane: '10s', workers: '0s' },
    },
    rollback: { automatic: { upTo: 'worker', gradual: true }, onRegression: 'hold', onBurn: 'rollback' },
    hubAway: 'finish',
    startWithin: '15s',
    deadline: '10m',
  },
};
