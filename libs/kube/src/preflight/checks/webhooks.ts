import { NODE_JOB_NAMESPACE } from '../../node-job.js';
import { BEFORE, isBlind, named, type Check, type Found } from '../check.js';
import { selects } from '../label-selector.js';
import type { ClusterPicture, NamespacePicture, WebhookPicture } from '../picture.js';

/** Admission webhooks that fail closed: the API refuses what they cannot be asked about. */
export const webhooks: Check = {
  id: 'webhooks',
  phases: BEFORE,
  needs: ['webhooks', 'pods', 'namespaces'],
  wants: { endpoints: ['webhook_unreachable', 'webhook_backend_drained'] },
  codes: [
    {
      code: 'webhook_unreachable',
      title: 'An admission webhook that fails closed has no backend',
      meaning:
        'Its Service has no ready endpoint: the API server refuses every request that matches its rules, an upgrade’s own among them where they match.',
      remedy: 'Bring the backend back, or remove the configuration if its owner is gone.',
    },
    {
      code: 'webhook_backend_drained',
      title: "An admission webhook's only backend would be drained",
      meaning:
        'It fails closed and has one ready endpoint. While that pod moves, what matches its rules is refused; if they match its own replacement, nothing can bring it back.',
      remedy: 'Run two replicas on two nodes, with a budget of maxUnavailable 1; exempt its own namespace.',
    },
    {
      code: 'webhook_intercepts_our_work',
      title: 'An admission webhook judges our Jobs or evictions',
      meaning:
        'It fails closed and its rules match Jobs or pods in Wavegate’s node namespace, or evictions. Its outage, or its policy, stops the upgrade in the middle.',
      remedy:
        'Exempt the namespace wavegate-nodes by its namespaceSelector, and `pods/eviction` unless it is meant to guard evictions.',
    },
  ],
  run(picture) {
    const closed = picture.webhooks.filter(({ failsClosed }) => failsClosed);
    return closed.flatMap((webhook) => [...backend(webhook, picture), ...interception(webhook, picture.namespaces)]);
  },
};

function backend(webhook: WebhookPicture, picture: ClusterPicture): Found[] {
  const { endpoints, pods } = picture;
  if (webhook.service === '' || isBlind(picture, 'endpoints')) return [];
  const ready = (endpoints.get(webhook.service) ?? []).filter((one) => one.ready);
  const of = { object: `${webhook.configuration}/${webhook.name}` };
  if (ready.length === 0) {
    const message = `${webhook.kind} webhook ${webhook.name} fails closed and its Service ${webhook.service} has no ready endpoint: matching requests are refused now`;
    return [
      { ...of, code: 'webhook_unreachable', message, remedy: 'bring its backend back, or remove the configuration' },
    ];
  }
  if (ready.length > 1) return [];
  const pod = pods.find(({ namespace, name }) => `${namespace}/${name}` === ready[0]?.pod);
  if (!pod || pod.fate.kind === 'kept') return [];
  const message = `${webhook.kind} webhook ${webhook.name} fails closed and has one backend, ${ready[0]?.pod} on ${pod.node}: drained, matching requests are refused`;
  const remedy = 'run two replicas on two nodes, and exempt its own namespace';
  return [{ ...of, code: 'webhook_backend_drained', message, remedy, owner: pod.owner, nodes: [pod.node] }];
}

function interception(webhook: WebhookPicture, namespaces: readonly NamespacePicture[]): Found[] {
  const inOurs = [
    ...(applies(webhook, 'batch', 'jobs') ? ['our node Jobs'] : []),
    ...(applies(webhook, '', 'pods') ? ['their pods'] : []),
  ];
  const judged = [
    ...(selectsOurs(webhook, namespaces) ? inOurs : []),
    ...(applies(webhook, '', 'pods/eviction') ? ['evictions'] : []),
  ];
  if (judged.length === 0) return [];
  const perhaps = webhook.hasConditions ? ' (it has conditions of its own that may exempt them)' : '';
  const message = `${webhook.kind} webhook ${webhook.name} fails closed and judges ${named(judged)}${perhaps}`;
  const remedy = `exempt the namespace ${NODE_JOB_NAMESPACE}, and pods/eviction unless it guards them on purpose`;
  return [{ code: 'webhook_intercepts_our_work', object: `${webhook.configuration}/${webhook.name}`, message, remedy }];
}

function selectsOurs({ namespaceSelector }: WebhookPicture, namespaces: readonly NamespacePicture[]): boolean {
  const ours = namespaces.find(({ name }) => name === NODE_JOB_NAMESPACE);
  const labels = { 'kubernetes.io/metadata.name': NODE_JOB_NAMESPACE, ...ours?.labels };
  return namespaceSelector === null || selects(namespaceSelector, labels);
}

/** Rules as the API server reads them: "*" is every resource without sub-resource, "*" + "/*" also those. */
function applies({ rules }: WebhookPicture, group: string, resource: string): boolean {
  const [bare = '', sub] = resource.split('/');
  const names = sub === undefined ? [bare, '*', '*/*', `${bare}/*`] : [resource, '*/*', `${bare}/*`, `*/${sub}`];
  return rules.some(
    (rule) =>
      (rule.groups.includes('*') || rule.groups.includes(group)) &&
      (rule.operations.includes('*') || rule.operations.includes('CREATE')) &&
      rule.resources.some((one) => names.includes(one) && !(sub === undefined && one === `${bare}/*`)),
  );
}
