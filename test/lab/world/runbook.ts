import { join } from 'node:path';
import { eventually } from '../../kube/world/eventually.js';
import { say } from './lab-log.js';
import { repositoryRoot } from './lab-places.js';
import { command, tryCommand } from './run-command.js';
import type { Lab } from './start-lab.js';

/** A stage of a recovery, as the hub tells it to persons. */
export interface Stage {
  readonly title: string;
  readonly on: readonly string[];
  readonly lines: readonly string[];
  readonly until: string;
}

export interface Recovery {
  readonly id: string;
  readonly state: string;
  readonly stages: readonly Stage[];
  readonly verification: { readonly good: boolean; readonly checks: readonly { good: boolean; text: string }[] } | null;
}

/** What a person at a terminal has: an admin's kubeconfig, and the hub's CLI with a token. */
export interface Terminal {
  readonly lab: Lab;
  readonly url: string;
  readonly token: string;
}

/** The one line that cannot be told beforehand: a secret that a person carries from the terminal where it was printed. */
const JOIN = /^kubeadm join …/;
/** What the join line of a control-plane node is told to have behind it, and the line that kubeadm prints for KEY. */
const BEHIND = /with (--control-plane --certificate-key) KEY behind it/;
const KEY = /^[0-9a-f]{64}$/m;
const FRESH = /^the fresh host, named (\S+)$/;

/** Does what a person does: types the lines of each stage as they were told, where they were told. */
export class Runbook {
  #joinLine = '';
  #key = '';

  constructor(private readonly terminal: Terminal) {}

  /** The stage of a recovery whose title has these words. */
  async runStage({ stages }: Recovery, words: RegExp): Promise<void> {
    const stage = stages.find(({ title }) => words.test(title));
    if (!stage) throw new Error(`no stage is ${words}; told: ${stages.map(({ title }) => title).join(' | ')}`);
    await this.run(stage);
  }

  async run({ title, on, lines }: Stage): Promise<void> {
    say(`${title} (on ${on.join(', ')})`);
    for (const host of on) {
      for (const line of lines) {
        const printed = await this.#type(host, this.#filledIn(line));
        this.#joinLine = /^kubeadm join .*$/m.exec(printed)?.[0].trim() ?? this.#joinLine;
        this.#key = KEY.exec(printed)?.[0] ?? this.#key;
      }
    }
  }

  #filledIn(line: string): string {
    if (!JOIN.test(line)) return line;
    const behind = BEHIND.exec(line)?.[1];
    if (!this.#joinLine || (behind && !this.#key)) throw new Error(`"${line}" was told before any stage printed it`);
    return behind ? `${this.#joinLine} ${behind} ${this.#key}` : this.#joinLine;
  }

  async #type(host: string, line: string): Promise<string> {
    if (host === 'anywhere') return command('bash', ['-c', line], { env: anywhere(this.terminal) });
    return this.terminal.lab.node(FRESH.exec(host)?.[1] ?? host).exec(['bash', '-c', line]);
  }
}

/** What `wavegate` exits with, and its words. */
export async function exitCodeOf(terminal: Terminal, line: string): Promise<number> {
  const { code, stdout, stderr } = await tryCommand('bash', ['-c', line], { env: anywhere(terminal) });
  say(`${line} → ${code}\n${stdout}${stderr}`);
  return code;
}

function anywhere({ lab, url, token }: Terminal): NodeJS.ProcessEnv {
  const folders = [join(repositoryRoot(), 'apps', 'cli', 'bin'), join(lab.kubectlProgram, '..')];
  return {
    PATH: [...folders, process.env['PATH']].join(':'),
    ...{ KUBECONFIG: lab.kubeconfig, WAVEGATE_URL: url, WAVEGATE_TOKEN: token, NODE_OPTIONS: '' },
  };
}

/** What `go on when kubectl get node shows it Ready at …` means. */
export async function readyAt(lab: Lab, node: string, version: string): Promise<void> {
  const path = 'jsonpath={.status.nodeInfo.kubeletVersion} {.status.conditions[?(@.type=="Ready")].status}';
  await eventually(
    `${node} to be Ready at ${version}`,
    async () => (await lab.kubectl(['get', 'node', node, '-o', path])) === `v${version} True`,
    { withinMs: 300_000, everyMs: 1_000 },
  );
}
