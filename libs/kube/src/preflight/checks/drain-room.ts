import { BEFORE, count, named, type Check, type Found } from '../check.js';
import { Disruption, idOf, nodesOf } from '../disruption.js';
import { isOpen } from '../placement.js';
import type { ClusterPicture } from '../picture.js';

/** Clusters too small to drain, and our own pod in its own way. */
export const drainRoom: Check = {
  id: 'drain-room',
  phases: BEFORE,
  needs: ['nodes', 'pods', 'budgets'],
  codes: [
    {
      code: 'nowhere_to_drain_to',
      title: 'There is no other node to drain to',
      meaning:
        'The cluster has one open node. Draining it leaves everything Pending, the agent included; budgets of what runs there can never be met. With `topology: singleNode` a plan consents to the downtime, and nothing is drained.',
      remedy: 'Add a node, uncordon one, or set `topology: singleNode` in the plan.',
    },
    {
      code: 'one_worker_with_pdb',
      title: 'One worker, and budgets on it',
      meaning:
        'The only open worker carries pods with a PodDisruptionBudget that no control-plane node would take: their replacements cannot become ready, so the drain can only time out.',
      remedy: 'Add a second worker for the length of the upgrade, or let the pods tolerate the control-plane nodes.',
    },
    {
      code: 'own_pod_under_pdb',
      title: "The agent's own pod has a budget that does not let it go",
      meaning: 'A drain of the agent’s own node would block on the agent itself.',
      remedy: 'Delete the budget: a single agent needs none, it takes up its journal again elsewhere.',
    },
  ],
  run(picture, { spec, self }) {
    const open = picture.nodes.filter(isOpen);
    const own = self ? ownFindings(picture, `${self.namespace}/${self.name}`) : [];
    if (open.length >= 2) return [...oneWorker(picture, spec.topology), ...own];
    const names = open.map(({ name }) => name);
    const what = open.length === 0 ? 'no node is open' : `${names[0]} is the only open node`;
    const consented = spec.topology === 'singleNode';
    const message = consented
      ? `${what}: nothing is drained (topology: singleNode)`
      : `${what}: there is nowhere to drain to`;
    const remedy = consented
      ? 'nothing: the plan consents to the downtime'
      : 'add or uncordon a node, or set topology: singleNode';
    const severity = consented ? 'info' : 'block';
    return [
      { code: 'nowhere_to_drain_to', object: names[0] ?? 'nodes', severity, message, remedy, nodes: names },
      ...own,
    ];
  },
};

function oneWorker(picture: ClusterPicture, topology: string): Found[] {
  const workers = picture.nodes.filter((node) => node.role === 'worker' && isOpen(node));
  const [only, ...more] = workers;
  if (!only || more.length > 0 || topology === 'singleNode') return [];
  const planes = picture.nodes.filter((node) => node.role === 'controlPlane' && isOpen(node));
  // A plane that takes ordinary pods is a second place to go.
  if (planes.some(({ taints }) => taints.every(({ effect }) => effect === 'PreferNoSchedule'))) return [];
  const disruption = new Disruption(picture);
  const bound = disruption.evictable.filter(
    (pod) =>
      pod.node === only.name &&
      disruption.budgetsOf(pod).length > 0 &&
      !pod.shape.tolerations.some(
        ({ key, operator }) => operator === 'Exists' && (!key || key.includes('control-plane')),
      ),
  );
  const budgets = [...new Set(bound.flatMap((pod) => disruption.budgetsOf(pod).map(idOf)))];
  if (budgets.length === 0) return [];
  const message = `${only.name} is the only open worker, and ${count(budgets.length, 'budget')} guard pods on it (${named(budgets)}): their replacements have nowhere to go`;
  const remedy = 'add a second worker for the length of the upgrade';
  return [{ code: 'one_worker_with_pdb', object: only.name, message, remedy, nodes: [only.name] }];
}

function ownFindings(picture: ClusterPicture, self: string): Found[] {
  const disruption = new Disruption(picture);
  const own = disruption.evictable.find((pod) => idOf(pod) === self);
  const budgets = own ? disruption.budgetsOf(own).filter(({ allowed }) => allowed === 0) : [];
  if (!own || budgets.length === 0) return [];
  const message = `${self} is this agent, and ${named(budgets.map(idOf))} does not let it go: the drain of ${own.node} would block on itself`;
  return [{ code: 'own_pod_under_pdb', object: self, message, remedy: 'delete that budget', nodes: nodesOf([own]) }];
}
