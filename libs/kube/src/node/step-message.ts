import { reason, type Reason } from '@wavegate/fleet';

/** A reason is for screens: this much of what a program said. */
const DETAIL_LIMIT = 300;

/** Codes by which the script says that it changed nothing (deploy/images/node/step). */
const REFUSALS: ReadonlySet<string> = new Set([
  ...['bad_word', 'unknown_verb', 'busy', 'not_writable', 'node_name_mismatch', 'not_kubeadm', 'not_control_plane'],
  ...['package_manager_unknown', 'package_missing', 'repository_unknown', 'repository_unreachable', 'image_missing'],
  ...['no_admin_conf', 'disk_full', 'etcd_alarm', 'quorum_at_risk', 'kubeadm_refused'],
  ...['committed', 'nothing_kept', 'etcd_external', 'snapshot_failed'],
]);

export type StepMessage = Readonly<Record<string, unknown>>;

/** The script refused before it touched the host: the node is what it was. */
export function isRefusal(told: StepMessage | null): boolean {
  return typeof told?.code === 'string' && REFUSALS.has(told.code);
}

export function parseMessage(text: string): StepMessage | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as StepMessage) : null;
  } catch {
    return null;
  }
}

/**
 * A failed step in the words of the fleet: refused (nothing changed) · kubeadm went back by itself · half-way · failed.
 * What really stands is for the observation to say; this is what the host believed.
 */
export function failureOf(told: StepMessage | null, of: { readonly step: string; readonly node: string }): Reason {
  const detail = cut(textOf(told, 'error'));
  const { node } = of;
  const code = textOf(told, 'code');
  if (code === 'kubeadm_reverted') {
    const left = cut(textOf(told, 'left') || 'nothing that the host can see');
    return reason('kubeadm_left_behind', { node, version: textOf(told, 'version'), detail, left });
  }
  if (code === 'half_done') return reason('half_upgraded', { node, stands: standsOf(told), detail });
  if (isRefusal(told)) return reason('step_refused', { ...of, code, detail });
  return reason('step_failed', { ...of, detail });
}

export const cut = (text: string): string => text.trim().slice(0, DETAIL_LIMIT);

/** "etcd 3.6.6-0, kube-apiserver 1.35.4, …": as the host's manifests and programs say. */
function standsOf(told: StepMessage | null): string {
  const stands = told?.stands;
  if (typeof stands !== 'object' || stands === null) return 'versions not told';
  return cut(
    Object.entries(stands as Readonly<Record<string, unknown>>)
      .filter(([, version]) => typeof version === 'string' && version !== '')
      .map(([component, version]) => `${component} ${String(version)}`)
      .sort()
      .join(', '),
  );
}

function textOf(told: StepMessage | null, name: string): string {
  const value = told?.[name];
  return typeof value === 'string' ? value : '';
}
