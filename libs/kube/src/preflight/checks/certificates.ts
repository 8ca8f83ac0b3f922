import { isoMinute, type Severity } from '@wavegate/fleet';
import type { HostFacts } from '../../node/host-facts.js';
import { BOTH, count, type Check, type Found } from '../check.js';
import type { CertificatePicture, ClusterPicture } from '../picture.js';

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;
const CA_SOON_DAYS = 180;

/**
 * Certificates as they are served: of every API server that can be reached, and where hosts were looked at, of their
 * kubelet, etcd, controller manager and scheduler; our own; and the authority.
 */
export const certificates: Check = {
  id: 'certificates',
  phases: BOTH,
  needs: ['servers'],
  wants: { metrics: ['client_certificates_expire_soon'] },
  codes: [
    {
      code: 'certificate_expired',
      title: 'A certificate has ended',
      meaning:
        "A served certificate, or the kubeconfig's own, is past its end. The upgrade's own calls would fail. Only a warning where nobody checks it: of a controller manager or scheduler, which make a new one when the upgrade restarts them; and of a kubelet, unless an API server verifies kubelets (`--kubelet-certificate-authority`).",
      remedy:
        'Renew it now (`kubeadm certs renew all` on that node), then restart the static pods. Of a kubelet: remove /var/lib/kubelet/pki/kubelet.crt and .key, restart it.',
    },
    {
      code: 'certificate_expires_soon',
      title: 'A certificate ends within 30 days',
      meaning:
        "A kubeadm upgrade renews the leaf certificates of a control-plane node, so this upgrade mends it. It is a warning because an upgrade that halts half-way mends only the nodes it reached. A kubelet's own serving certificate is not among them: no upgrade renews it.",
      remedy:
        'Upgrade before that day, or renew first (`kubeadm certs renew all`). Of a kubelet: remove /var/lib/kubelet/pki/kubelet.crt and .key, restart it; or let it rotate (`serverTLSBootstrap`).',
    },
    {
      code: 'ca_expires_soon',
      title: 'The certificate authority ends within half a year',
      meaning:
        "kubeadm renews leaf certificates, never the authority. When it ends, every certificate of the cluster ends with it, kubelets' too.",
      remedy: 'Plan the rotation of the authority by hand: it is a project of its own.',
    },
    {
      code: 'client_certificates_expire_soon',
      title: 'Clients come with certificates about to end',
      meaning:
        "The API server has seen requests with a client certificate that ends within a week. Its metric names no client: kubelets that do not rotate, a controller manager's or scheduler's kubeconfig, a person's.",
      remedy: 'On each control-plane node: `kubeadm certs check-expiration`; on nodes: look at /var/lib/kubelet/pki.',
    },
  ],
  run(picture, { at, hostFacts = [] }) {
    const { authorities, metrics } = picture;
    const days = (until: number): number => Math.floor((until - at) / DAY_MS);
    const served = [...picture.certificates.map(ofServer), ...onHosts(picture, hostFacts)];
    const found = served.flatMap((one) => judge(one, at));
    const roots = authorities
      .filter(({ until }) => until - at <= CA_SOON_DAYS * DAY_MS)
      .map(({ of, until }): Found => {
        const message = `${of} ends in ${count(days(until), 'day')} (${isoMinute(until)}), and no upgrade renews it`;
        return { code: 'ca_expires_soon', object: of, message, remedy: 'plan its rotation by hand' };
      });
    return [...found, ...roots, ...clients(metrics.shortClientCertificates, metrics.since)];
  },
};

interface Served extends CertificatePicture {
  readonly nodes: readonly string[];
  /** What is there to be done once it has ended. */
  readonly renewal: string;
  readonly expired: Severity;
  /** What there is to do while it has not. */
  readonly before: string;
}

const RENEWED = 'this upgrade renews what kubeadm made, on the nodes it reaches; otherwise renew it first';
const RESTARTED = 'nothing: it makes a new one when the upgrade restarts it';
const KUBELETS_OWN =
  'no upgrade renews it: remove /var/lib/kubelet/pki/kubelet.crt and kubelet.key on that node and restart the kubelet, or let it rotate (serverTLSBootstrap)';

const ofServer = (one: CertificatePicture): Served => ({
  ...{ ...one, nodes: [], renewal: 'renew it first', expired: 'block', before: RENEWED },
});

/** As components of a host serve them there. An API server that was reached from here has been judged already. */
function onHosts({ pods, certificates: seen }: ClusterPicture, hosts: readonly HostFacts[]): Served[] {
  const known = new Set(seen.map(({ until }) => until));
  const verified = pods.some(({ component }) => component?.flags['kubelet-certificate-authority'] !== undefined);
  return hosts.flatMap(({ node, served }) =>
    (served ?? [])
      .filter(({ of, until }) => of !== 'kube-apiserver' || !known.has(until))
      .map(({ of, at, until }): Served => {
        const about = { of: `${of} on ${node} (${at})`, until, nodes: [node] };
        if (of === 'kubelet') {
          return { ...about, renewal: KUBELETS_OWN, before: KUBELETS_OWN, expired: verified ? 'block' : 'warn' };
        }
        if (of === 'kube-controller-manager' || of === 'kube-scheduler') {
          return { ...about, renewal: RESTARTED, before: RESTARTED, expired: 'warn' };
        }
        return { ...about, renewal: 'renew it first: kubeadm certs renew all', before: RENEWED, expired: 'block' };
      }),
  );
}

function judge({ of, until, nodes, renewal, expired, before }: Served, at: number): Found[] {
  const when = isoMinute(until);
  const about = { object: of, nodes };
  if (until <= at) {
    const message = `${nodes.length > 0 ? 'the certificate of ' : ''}${of} has ended: ${when}`;
    return [{ ...about, code: 'certificate_expired', severity: expired, message, remedy: renewal }];
  }
  if (until - at > SOON_DAYS * DAY_MS) return [];
  const left = count(Math.floor((until - at) / DAY_MS), 'day');
  const message = `the certificate of ${of} ends in ${left} (${when})`.replace(
    'certificate of the client certificate',
    'client certificate',
  );
  return [{ ...about, code: 'certificate_expires_soon', message, remedy: before }];
}

function clients(requests: number, since: number): Found[] {
  if (requests === 0) return [];
  const message = `${count(requests, 'request')} since ${isoMinute(since)} came with a client certificate that ended within a week of them`;
  const remedy = 'look with kubeadm certs check-expiration on each control-plane node';
  return [{ code: 'client_certificates_expire_soon', object: 'kube-apiserver', message, remedy }];
}
