import type { Lab } from './start-lab.js';
import type { LabNode } from './lab-node.js';

const PERIOD_MS = 2_000;

const HEALTH = `c=$(ctr -n k8s.io tasks ls 2>/dev/null | awk '$3 == "RUNNING" { print $2 }' | while read -r p; do
  [ "$(tr '\\0' ' ' < /proc/$p/cmdline 2>/dev/null | cut -d' ' -f1)" = etcd ] && echo "$p"; done | head -n 1)
[ -n "$c" ] || exit 1
d=/etc/kubernetes/pki/etcd
nsenter -t "$c" -m -- etcdctl --cacert "$d/ca.crt" --cert "$d/server.crt" --key "$d/server.key" \\
  --endpoints https://127.0.0.1:2379 --command-timeout=3s endpoint health`;

/** Each member of etcd asked by itself, again and again: how many were healthy at the worst moment. */
export class QuorumWatch {
  readonly #looks: number[] = [];
  #ended = false;
  readonly #loop: Promise<void>;

  constructor(lab: Lab) {
    const members = lab.nodes.filter((node) => node.place.role === 'controlPlane');
    this.#loop = this.#watch(members);
  }

  async #watch(members: readonly LabNode[]): Promise<void> {
    while (!this.#ended) {
      const healthy = await Promise.all(
        members.map(async (node) => (await node.try(['bash', '-c', HEALTH])).code === 0),
      );
      this.#looks.push(healthy.filter(Boolean).length);
      await new Promise((done) => setTimeout(done, PERIOD_MS));
    }
  }

  async end(): Promise<{ readonly looks: number; readonly least: number }> {
    this.#ended = true;
    await this.#loop;
    return { looks: this.#looks.length, least: Math.min(...this.#looks) };
  }
}
