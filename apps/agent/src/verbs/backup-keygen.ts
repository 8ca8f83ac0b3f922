import { newIdentity } from '@wavegate/kube';
import { Command } from 'commander';
import { writeFileSync } from 'node:fs';
import { usage } from '../program-failure.js';

const HELP = `
The file holds the private key: it opens every backup made for its public key. Make one for the cluster and one for
recovery, and keep the second where no cluster can reach it. The files are those of age(1): age-keygen and age work too.

  wavegate-agent backup keygen --out recovery.txt`;

/** A key pair, for hosts without age's own tools. */
export function keygenCommand(): Command {
  return new Command('keygen')
    .description('a new key pair: the public key for --recipient, the private one into a file')
    .requiredOption('--out <file>', 'where the private key goes; must not exist yet')
    .addHelpText('after', HELP)
    .action(async ({ out }: { readonly out: string }) => {
      const { identity, recipient } = await newIdentity();
      const text = `# made by wavegate-agent, ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`;
      try {
        writeFileSync(out, text, { mode: 0o600, flag: 'wx' });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw usage(`--out ${out}: ${code === 'EEXIST' ? 'is there already, and keys are never overwritten' : code}`);
      }
      console.log(recipient);
    });
}
