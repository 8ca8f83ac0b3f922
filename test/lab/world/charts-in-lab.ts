import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ChildPrograms } from '../../kube/world/child-programs.js';
import { eventually } from '../../kube/world/eventually.js';
import { freePorts } from '../../kube/world/free-ports.js';
import { HELM_VERSION, programPath } from '../../kube/world/obtained-programs.js';
import { makeRunFolder, removeRunFolder } from '../../kube/world/run-folder.js';
import { repositoryRoot } from './lab-places.js';
import { command, tryCommand } from './run-command.js';
import type { CommandResult } from './run-command.js';
import type { Lab } from './start-lab.js';

const GATEWAY_PORT = 30443;
const ENROLMENT_PORT = 30444;
const REST_PORT = 30081;
/** One try of one request: a hub whose node is emptied may leave it without an answer. */
const PATIENCE_MS = 10_000;

/** A disk of the control-plane node: the lab has nobody who makes volumes. */
const trialVolume = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'trial-database' },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    local: { path: '/var/lib/trial-database' },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['cp1'] }] }],
      },
    },
  },
};

/** In place of an ingress: the REST API while the API server, and with it any port-forward, is away. */
const restFromOutside = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'rest-from-outside', namespace: 'wavegate-hub' },
  spec: {
    type: 'NodePort',
    selector: { 'app.kubernetes.io/name': 'wavegate-hub' },
    ports: [{ port: 80, targetPort: 8080, nodePort: REST_PORT }],
  },
};

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Hub and agent in one lab, installed by nothing but the lines that users read: of docs, of NOTES, of the hub. */
export class ChartsInLab {
  #adminToken = '';
  readonly #programs: ChildPrograms;

  private constructor(
    readonly lab: Lab,
    readonly dir: string,
  ) {
    this.#programs = new ChildPrograms(join(dir, 'person'));
  }

  /** Loads our images as `make images` makes them, from what `make build` left. */
  static async start(lab: Lab): Promise<ChartsInLab> {
    const dir = makeRunFolder();
    mkdirSync(join(dir, 'person'), { recursive: true });
    const images = ['hub', 'agent', 'node'];
    const script = join(repositoryRoot(), 'scripts', 'images.mjs');
    execFileSync(process.execPath, [script, ...images, `--out=${dir}`], { stdio: 'pipe' });
    for (const image of images) await lab.loadImage(join(dir, `${image}.tar`));
    return new ChartsInLab(lab, dir);
  }

  /** A line as a person types it, in a checkout, with kubectl's context on the lab. */
  line(text: string): Promise<CommandResult> {
    return tryCommand('sh', ['-c', text], { cwd: repositoryRoot(), env: this.#personsEnv() });
  }

  async lineMust(text: string): Promise<string> {
    return command('sh', ['-c', text], { cwd: repositoryRoot(), env: this.#personsEnv() });
  }

  #personsEnv(): NodeJS.ProcessEnv {
    const folders = [dirname(programPath('helm', HELM_VERSION)), dirname(this.lab.kubectlProgram)];
    return {
      HOME: join(this.dir, 'person'),
      XDG_CONFIG_HOME: undefined,
      KUBECONFIG: this.lab.kubeconfig,
      PATH: [...folders, join(repositoryRoot(), 'apps', 'cli', 'bin'), process.env['PATH']].join(':'),
    };
  }

  get #doorAddress(): string {
    return this.lab.nodes.at(-1)?.place.address ?? '';
  }

  /** The hub with its trial database; answers what NOTES say. */
  async installHub(): Promise<string> {
    await this.lab.node('cp1').exec(['mkdir', '-p', trialVolume.spec.local.path]);
    await this.lab.kubectl(['apply', '-f', '-'], JSON.stringify(trialVolume));
    const set = {
      'agents.gateway': `${this.#doorAddress}:${GATEWAY_PORT}`,
      'agents.enrolment': `${this.#doorAddress}:${ENROLMENT_PORT}`,
      'agents.service.type': 'NodePort',
      'agents.service.gatewayNodePort': GATEWAY_PORT,
      'agents.service.enrolmentNodePort': ENROLMENT_PORT,
      'database.trial.enabled': true,
    };
    const values = Object.entries(set).map(([name, value]) => `--set ${name}=${value}`);
    const notes = await this.lineMust(
      `helm install wavegate-hub deploy/charts/hub -n wavegate-hub --create-namespace --wait --timeout 5m ${values.join(' ')}`,
    );
    await this.lab.kubectl(['apply', '-f', '-'], JSON.stringify(restFromOutside));
    return notes;
  }

  /** Follows NOTES to the line that joins a cluster: the token from the log, a port-forward, login, join. */
  async joinLine(notes: string, cluster: string): Promise<string> {
    const grep = lineWith(notes, "grep -A 2 'First admin token'");
    const token = /\n\s+(\S+)/.exec(await this.lineMust(grep))?.[1];
    if (!token) throw new Error('the line of NOTES found no admin token');
    this.#adminToken = token;
    const [port = 0] = await freePorts(1);
    const forward = lineWith(notes, 'port-forward').replace('8080:80 &', `${port}:80`).split(/\s+/).slice(1);
    this.#programs.start('port-forward', this.lab.kubectlProgram, forward, this.#personsEnv());
    try {
      const login = lineWith(notes, 'wavegate login').replace('8080', String(port)).replace('…', token);
      await eventually('the port-forward to carry', () => this.lineMust(login), { everyMs: 500 });
      const join = lineWith(notes, 'wavegate clusters join').replace(/NAME.*/, cluster);
      return lineWith(await this.lineMust(join), 'helm install');
    } finally {
      await this.#programs.stop('port-forward', 0);
    }
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`http://${this.#doorAddress}:${REST_PORT}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#adminToken}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** What is ours in the cluster, by name or by namespace; without what Kubernetes makes in every namespace. */
  async objects(): Promise<readonly string[]> {
    const listed = (await this.lab.kubectl(['api-resources', '--verbs=list', '-o', 'name'])).trim().split('\n');
    // Events tell of what is gone; whatever else there is counts, of kinds that we never heard of as well.
    const kinds = listed.filter((kind) => !kind.startsWith('events') && !kind.endsWith('metrics.k8s.io'));
    const all = await this.lab.kubectl(['get', kinds.join(','), '--all-namespaces', '-o', 'json']);
    const { items } = JSON.parse(all) as { items: readonly Named[] };
    return items
      .filter(({ metadata: { name, namespace = '' } }) => name.includes('wavegate') || namespace.startsWith('wavegate'))
      .filter(({ metadata: { name } }) => name !== 'kube-root-ca.crt' && name !== 'default')
      .map(({ kind, metadata: { name, namespace } }) => `${kind} ${namespace ? `${namespace}/` : ''}${name}`)
      .sort();
  }

  /** Names of the agent's pods. */
  async agentPods(): Promise<readonly string[]> {
    const ask = ['-n', 'wavegate', 'get', 'pods', '-l', 'app.kubernetes.io/component=agent', '-o', 'name'];
    return (await this.lab.kubectl(ask)).trim().split('\n').filter(Boolean);
  }

  async stop(): Promise<void> {
    await this.#programs.stopAll();
    if (existsSync(this.dir)) removeRunFolder(this.dir);
  }
}

/** The command in the one line of a text that holds these words, without what stands before it. */
export function lineWith(text: string, words: string): string {
  const line = text.split('\n').find((each) => each.includes(words));
  const found = /(?:^|\s)((?:helm|kubectl|wavegate) .*)$/.exec(line ?? '')?.[1];
  if (!found) throw new Error(`no line with "${words}" in:\n${text}`);
  return found.replace(/\s{3,}\(.*\)$/, '').trim();
}
