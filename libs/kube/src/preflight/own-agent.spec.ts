import { expect, it } from '@jest/globals';
import { runChecks } from './run-checks.js';
import { singleReplicas } from './checks/single-replicas.js';
import type { PodPicture } from './picture.js';
import type { PreflightContext } from './preflight-context.js';
import { context, picture, pod } from './testing/sound-picture.js';

const CHART = { 'app.kubernetes.io/name': 'wavegate-agent', 'app.kubernetes.io/component': 'agent' };
const self = { namespace: 'shop', name: 'only-1' };

it.each<[string, Partial<PodPicture>, Partial<PreflightContext>, string[]]>([
  ['somebody’s', {}, {}, ['shop/only']],
  ['the agent’s, by the chart’s labels', { labels: CHART }, {}, []],
  ['the agent’s, by the name of its pod', {}, { self }, []],
  [
    'of another component of the chart',
    { labels: { ...CHART, 'app.kubernetes.io/component': 'x' } },
    {},
    ['shop/only'],
  ],
  ['beside the agent', {}, { self: { ...self, name: 'other' } }, ['shop/only']],
])('one replica, %s → warned of only where somebody else would wait', (_whose, of, asked, warned) => {
  const only = pod('only-1', { workload: 'Deployment/only', ...of });
  const workloads = [{ kind: 'Deployment' as const, namespace: 'shop', name: 'only', owner: '', desired: 1, ready: 1 }];
  const found = runChecks(picture({ pods: [only], workloads }), context(asked), [singleReplicas]);
  expect(found.map(({ object }) => object)).toEqual(warned);
});
