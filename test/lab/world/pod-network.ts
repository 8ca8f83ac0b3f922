import { eventually } from '../../kube/world/eventually.js';
import { POD_SUBNET } from './kubeadm-config.js';
import type { LabNode } from './lab-node.js';

interface NodeRoute {
  readonly name: string;
  readonly cidr: string;
  readonly address: string;
}

const QUESTION =
  '{range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}';

/** A node's range is assigned a moment after it registered: asked until all have theirs. */
function routesOf(kubectl: (args: readonly string[]) => Promise<string>, nodes: number): Promise<readonly NodeRoute[]> {
  return eventually('the pod ranges of all nodes', async () => {
    const rows = (await kubectl(['get', 'nodes', '-o', `jsonpath=${QUESTION}`])).trim().split('\n');
    const routes = rows
      .map((row) => row.split(' '))
      .map(([name = '', cidr = '', address = '']) => ({ name, cidr, address }));
    return routes.length === nodes && routes.every((each) => each.cidr && each.address) ? routes : undefined;
  });
}

function conflist(cidr: string): string {
  const ipam = { type: 'host-local', ranges: [[{ subnet: cidr }]] };
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, isDefaultGateway: true, hairpinMode: true, ipam };
  const plugins = [bridge, { type: 'portmap', capabilities: { portMappings: true } }];
  return JSON.stringify({ cniVersion: '0.4.0', name: 'lab', plugins });
}

/** Routes do not outlive a reboot: a unit lays them at each boot. What leaves the cluster does so as the node itself. */
function routeScript(own: NodeRoute, all: readonly NodeRoute[]): string {
  const others = all.filter((each) => each.name !== own.name);
  const masquerade = `POSTROUTING -s ${own.cidr} ! -d ${POD_SUBNET} -j MASQUERADE`;
  return [
    '#!/bin/sh',
    ...others.map((each) => `ip route replace ${each.cidr} via ${each.address}`),
    `iptables -t nat -C ${masquerade} 2>/dev/null || iptables -t nat -A ${masquerade}`,
  ].join('\n');
}

const UNIT = `[Unit]
After=network.target
[Service]
Type=oneshot
ExecStart=/bin/sh /etc/lab-routes
[Install]
WantedBy=multi-user.target
`;

/** The CNI of the lab: a bridge on each node and static routes between them. Again after each join; no policies. */
export async function layPodNetwork(
  nodes: readonly LabNode[],
  kubectl: (args: readonly string[]) => Promise<string>,
): Promise<void> {
  const routes = await routesOf(kubectl, nodes.length);
  const lay = async (node: LabNode): Promise<void> => {
    const own = routes.find((each) => each.name === node.name);
    if (!own) throw new Error(`${node.name} is no node of its cluster`);
    await node.sh('cat > /etc/lab-routes', { input: `${routeScript(own, routes)}\n` });
    await node.sh('cat > /etc/systemd/system/lab-routes.service', { input: UNIT });
    await node.sh('sh /etc/lab-routes; systemctl -q enable lab-routes');
    // Moved into place whole: containerd watches the folder.
    await node.sh('cat > /etc/cni/net.d/.lab; mv /etc/cni/net.d/.lab /etc/cni/net.d/10-lab.conflist', {
      input: conflist(own.cidr),
    });
  };
  await Promise.all(nodes.map(lay));
}
