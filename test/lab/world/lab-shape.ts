/** How many nodes of each role; HA has stacked etcd and a balancer before its API servers. */
export const SHAPES = {
  short: { controlPlanes: 1, workers: 1 },
  single: { controlPlanes: 1, workers: 2 },
  ha: { controlPlanes: 3, workers: 2 },
} as const;

export type ShapeName = keyof typeof SHAPES;

export type Role = 'controlPlane' | 'worker';

export interface NodePlace {
  /** As Kubernetes knows it, and its host name. */
  readonly name: string;
  readonly role: Role;
  readonly address: string;
}

export function isShape(name: string): name is ShapeName {
  return name in SHAPES;
}

/** cp1 … at .11 …, w1 … at .21 …, the balancer at .5 of the lab's network. */
export function placesOf(shape: ShapeName, network: string): readonly NodePlace[] {
  const { controlPlanes, workers } = SHAPES[shape];
  const some = (count: number, role: Role, prefix: string, first: number): readonly NodePlace[] =>
    Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i + 1}`, role, address: `${network}.${first + i}` }));
  return [...some(controlPlanes, 'controlPlane', 'cp', 11), ...some(workers, 'worker', 'w', 21)];
}

export const balancerAddress = (network: string): string => `${network}.5`;
export const gatewayAddress = (network: string): string => `${network}.1`;

/** Where clients reach the API: the only control-plane node itself, or the balancer. */
export function apiAddress(shape: ShapeName, network: string): string {
  return SHAPES[shape].controlPlanes > 1 ? balancerAddress(network) : `${network}.11`;
}
