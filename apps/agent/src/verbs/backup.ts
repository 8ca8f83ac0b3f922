import { Command } from 'commander';
import { etcdBackupCommand } from './backup-etcd.js';
import { keygenCommand } from './backup-keygen.js';
import { backupVeleroCommand } from './backup-velero.js';
import { manifestsCommand } from './backup-manifests.js';
import { verifyCommand } from './backup-verify.js';

const HELP = `
A backup counts once its receipt lies beside it: what was checked, the SHA-256, and who can open it. Nothing half-written
ever has a backup's name. See docs/backup.md.`;

/** Backups of one cluster, without a hub: the same code that an order runs. */
export function backupCommand(): Command {
  return new Command('backup')
    .description('backups with proof: of etcd, of manifests, by Velero; and their verification')
    .addCommand(etcdBackupCommand())
    .addCommand(backupVeleroCommand())
    .addCommand(manifestsCommand())
    .addCommand(verifyCommand())
    .addCommand(keygenCommand())
    .addHelpText('after', HELP);
}
