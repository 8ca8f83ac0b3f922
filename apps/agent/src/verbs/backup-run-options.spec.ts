import { describe, expect, it } from '@jest/globals';
import { DEFAULT_BACKUP } from '@wavegate/kube';
import { readBackupSettings } from './backup-run-options.js';

describe('where backups of a cluster go', () => {
  it('nothing said → onto the control-plane host itself', () => {
    expect(readBackupSettings({})).toEqual(DEFAULT_BACKUP);
  });

  it.each(['s3://backups/prod', 'pvc:backups'])(
    '%s without recipients → refused; with them, or a word → taken',
    (to) => {
      const backupTo = to;
      expect(() => readBackupSettings({ backupTo })).toThrow(/--backup-recipients/);
      const read = readBackupSettings({ backupTo, backupRecipients: 'age1aaa, age1bbb', backupKeep: '14' });
      expect(read).toMatchObject({ recipients: ['age1aaa', 'age1bbb'], keep: 14, target: backupTo });
      expect(readBackupSettings({ backupTo, backupPlaintext: true }).plaintext).toBe(true);
    },
  );

  it.each([
    [{ backupTo: 'backups' }, /expected \/a\/folder of the host, pvc:NAME or s3/],
    [{ backupRecipients: 'ssh-rsa AAAA' }, /expected age public keys/],
    [{ backupRecipients: 'AGE-SECRET-KEY-1ABC' }, /^(?!.*1ABC).*give public ones/],
    [{ backupKeep: '0' }, /at least 1/],
    [{ etcdEndpoints: 'https://e1:2379' }, /belong together/],
    [{ etcdEndpoints: 'e1:2379', etcdSecret: 's' }, /expected https:\/\/HOST:PORT/],
  ])('%j → refused, with what would be right', (options, words) => {
    expect(() => readBackupSettings(options)).toThrow(words);
  });
});
