import { describe, expect, it } from '@jest/globals';
import { DEFAULT_BACKUP, etcdBackupJob, etcdLookJob, exportJob, type BackupSettings } from './backup-job.js';

const work = { node: 'cp-1', cluster: 'uid-1', verify: 'restore' } as const;
const S3: BackupSettings = {
  ...DEFAULT_BACKUP,
  target: 's3://backups/prod',
  endpointUrl: 'https://s3.example',
  recipients: ['age1a', 'age1b'],
  credentialsSecret: 'backup-store',
};

const podOf = (job: ReturnType<typeof etcdBackupJob>) => job.spec?.template.spec;

describe('the Job of an etcd backup', () => {
  it('nothing said by the admin → the agent’s own program on that host, its keys read-only, its folder for the target', () => {
    expect(etcdBackupJob('wg-1', 'order-1', work, DEFAULT_BACKUP)).toMatchSnapshot();
  });

  it('to an object store → no folder of the host is written, credentials by a Secret, both recipients named', () => {
    const pod = podOf(etcdBackupJob('wg-1', 'order-1', work, S3));
    expect(pod?.volumes?.map(({ name }) => name)).toEqual(['kubernetes', 'scratch']);
    expect(pod?.containers[0]?.envFrom).toEqual([{ secretRef: { name: 'backup-store' } }]);
    expect(pod?.containers[0]?.args?.join(' ')).toContain('--recipient age1a --recipient age1b');
  });

  it('an etcd beside the cluster → its URLs, and the certificate of the given Secret', () => {
    const externalEtcd = { endpoints: ['https://e1:2379', 'https://e2:2379'], secret: 'etcd-client' };
    const pod = podOf(etcdBackupJob('wg-1', 'order-1', work, { ...DEFAULT_BACKUP, externalEtcd }));
    const words = pod?.containers[0]?.args?.join(' ');
    expect(words).toContain('--endpoint https://e1:2379 --endpoint https://e2:2379 --cacert /etcd-client/ca.crt');
    expect(pod?.volumes).toContainEqual({
      name: 'etcd-client',
      secret: { secretName: 'etcd-client', defaultMode: 0o400 },
    });
  });
});

describe('the Job of a look at an etcd beside the cluster', () => {
  it('whatever backups may do → it has the one Secret and a host’s network: no folder, no right, no other credentials', () => {
    const externalEtcd = { endpoints: ['https://e1:2379', 'https://e2:2379'], secret: 'etcd-client' };
    const job = etcdLookJob('wg-3', 'order-1', 'cp-1', { ...S3, externalEtcd });
    const pod = podOf(job);
    expect(pod?.volumes).toEqual([{ name: 'etcd-client', secret: { secretName: 'etcd-client', defaultMode: 0o400 } }]);
    expect(pod).toMatchObject({ nodeName: 'cp-1', hostNetwork: true, automountServiceAccountToken: false });
    expect(pod?.hostPID).toBeUndefined();
    const [main] = pod?.containers ?? [];
    expect(main?.args?.join(' ')).toBe(
      'etcd --endpoint https://e1:2379 --endpoint https://e2:2379 --cacert /etcd-client/ca.crt --cert /etcd-client/tls.crt ' +
        '--key /etcd-client/tls.key --termination-log /dev/termination-log --output json',
    );
    expect([main?.env, main?.envFrom, main?.securityContext?.capabilities]).toEqual([undefined, [], { drop: ['ALL'] }]);
    expect(job.spec?.activeDeadlineSeconds).toBe(120);
  });
});

describe('the Job of an export', () => {
  it('onto a volume → an ordinary pod with rights to read and no Secrets, on whatever node', () => {
    const settings = { ...DEFAULT_BACKUP, target: 'pvc:backups' };
    const job = exportJob(
      'wg-2',
      'order-1',
      { cluster: 'uid-1', namespaces: ['shop'], selector: 'a=b', secrets: false },
      settings,
    );
    const pod = podOf(job);
    expect(pod).toMatchObject({ serviceAccountName: 'wavegate-export' });
    expect(pod?.hostNetwork ?? pod?.hostPID ?? pod?.nodeName).toBeUndefined();
    expect(pod?.volumes).toContainEqual({ name: 'target', persistentVolumeClaim: { claimName: 'backups' } });
    expect(pod?.containers[0]?.volumeMounts).toContainEqual({ name: 'target', mountPath: '/pvc/backups' });
    expect(pod?.containers[0]?.args?.join(' ')).toMatch(/--namespace shop --selector a=b .*--to volume:\/pvc\/backups/);
  });

  it('with Secrets → by the account that only an admin makes', () => {
    const job = exportJob('wg-2', 'order-1', { cluster: 'c', namespaces: [], selector: '', secrets: true }, S3);
    expect(podOf(job)?.serviceAccountName).toBe('wavegate-export-secrets');
  });
});
