import { BOTH, type Check, type Found } from '../check.js';

/** What nodes say about themselves. */
export const nodeHealth: Check = {
  id: 'node-health',
  phases: BOTH,
  needs: ['nodes'],
  codes: [
    {
      code: 'node_not_ready',
      title: 'A node is not Ready',
      meaning:
        'The kubelet of the node does not report Ready. An upgrade would not make it healthy, and may lose quorum or room.',
      remedy: 'Mend the node or remove it from the cluster first.',
    },
    {
      code: 'node_cordoned',
      title: 'A node was cordoned by somebody else',
      meaning:
        'Somebody has taken the node out of service. Wavegate never lifts a cordon that is not its own: the node is upgraded and stays cordoned, and its room is missing meanwhile.',
      remedy: 'Ask who cordoned it; uncordon it (`kubectl uncordon …`) or leave it so knowingly.',
    },
    {
      code: 'node_under_pressure',
      title: 'A node is short of memory, disk or processes',
      meaning:
        'The kubelet reports a pressure, or its network is not there. It evicts pods by itself, without any budget, and may not be able to unpack new images. How full a disk is beyond that, the API does not tell.',
      remedy: 'Free what is short on that node first.',
    },
  ],
  run({ nodes }) {
    return nodes.flatMap((node): Found[] => {
      const of = { object: node.name, nodes: [node.name] };
      const found: Found[] = [];
      if (!node.ready) {
        const remedy =
          'mend or remove the node first: an upgrade would not make it healthy and may lose quorum or capacity';
        found.push({ ...of, code: 'node_not_ready', message: `${node.name} is not Ready`, remedy });
      }
      if (!node.schedulable && !node.cordonedByUs) {
        const remedy = 'ask who cordoned it: it stays cordoned after the upgrade';
        found.push({ ...of, code: 'node_cordoned', message: `${node.name} was cordoned by somebody else`, remedy });
      }
      if (node.pressures.length > 0) {
        const message = `${node.name} is under pressure: ${node.pressures.join(', ')}`;
        found.push({ ...of, code: 'node_under_pressure', message, remedy: 'free what is short on that node first' });
      }
      return found;
    });
  },
};
