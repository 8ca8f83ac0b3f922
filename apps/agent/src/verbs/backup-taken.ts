import type { BackupTaken } from '@wavegate/kube';
import { toProgramFailure, type TargetOptions } from './backup-options.js';
import { leaveTermination, ProgressLine, receiptLines } from './backup-output.js';

type Receipt = BackupTaken['receipt'];

/** Takes a backup under a line of progress, and tells its receipt: to a person or script, and to the Pod it may run in. */
export async function tellBackup(
  options: TargetOptions,
  headline: (receipt: Receipt) => string,
  take: (say: ProgressLine['say']) => Promise<BackupTaken>,
): Promise<void> {
  const line = new ProgressLine();
  let taken: BackupTaken;
  try {
    taken = await take(line.say);
  } catch (error) {
    line.end();
    leaveTermination(options.terminationLog, { error: error instanceof Error ? error.message : String(error) });
    throw toProgramFailure(error);
  }
  line.end();
  const { receipt, removed } = taken;
  leaveTermination(options.terminationLog, { receipt });
  if (options.output === 'json') return console.log(JSON.stringify({ ...receipt, removed }, null, 2));
  console.log(headline(receipt));
  for (const text of receiptLines(receipt)) console.log(text);
  if (removed.length > 0) console.log(`  removed ${removed.length} older: ${removed.join(', ')}`);
}
