import { PlanSchema } from '@wavegate/fleet';
import type { Plan } from '@wavegate/fleet';
import type { SeededRandom } from '@wavegate/simulator';

/** A plan as people might write it, with short waits, so that a whole rollout fits into some virtual hours. */
export function planOfSeed(seed: number, random: SeededRandom): Plan {
  const objectives = random.chance(0.8) ? ['apiserver-availability', 'checkout-availability'] : [];
  return PlanSchema.parse({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: `seed-${seed}` },
    spec: {
      target: { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } },
      strategy: {
        waves: random.pick([['5%', '25%', '50%', '100%'], ['25%', '100%'], ['10%', '50%', '100%'], ['100%']]),
        canaries: random.chance(0.5) ? 'canary = true' : '',
        rings: random.chance(0.3) ? ['env=dev', 'env=staging', 'env=prod'] : [],
        spreadBy: ['region'],
        maxInFlight: random.pick([1, 2, 3, '50%']),
        budget: { firstWave: random.pick([0, 0, 1]), laterWaves: random.pick(['5%', 1, 2, '50%']) },
        offline: { deadline: random.pick(['5m', '20m']), then: random.pick(['wait', 'skip', 'fail'] as const) },
      },
      gates: {
        soak: { default: random.pick(['1m', '5m']) },
        approvals: random.chance(0.3) ? [{ beforeWave: random.int(1, 2), count: random.int(1, 2) }] : [],
      },
      drain: {
        timeout: '3m',
        onTimeout: random.pick(['pause', 'skipNode', 'failCluster'] as const),
        maxUnavailable: random.pick([1, 2]),
      },
      backup: { etcd: { verify: 'status' } },
      verdict: { objectives, window: '10m', period: '1m', minSoak: '2m' },
      rollback: {
        automatic: { upTo: random.pick(['none', 'revertManifests', 'worker', 'worker'] as const) },
        onBurn: random.pick(['hold', 'rollback', 'rollback'] as const),
      },
      hubAway: random.pick(['finish', 'finishNode'] as const),
      startWithin: '5m',
      deadline: '90m',
    },
  });
}
