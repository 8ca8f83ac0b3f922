import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { eventually } from '../../kube/world/eventually.js';
import { labCache } from './lab-places.js';
import { say } from './lab-log.js';
import { command, tryCommand } from './run-command.js';
import type { CommandOptions, CommandResult } from './run-command.js';

/** Short, because a socket's path may have no more than 107 letters. */
const OWN = '/run/wavegate-lab';
const OWN_SOCKET = `unix://${OWN}/docker.sock`;
const USUAL_SOCKET = 'unix:///var/run/docker.sock';

/**
 * Its own data, socket and containerd. It writes no firewall rules and forwards nothing: the machine's kernel settings
 * stay as they are, and the nodes reach each other and this machine, but nothing beyond it.
 */
const OWN_ENGINE = [
  ...[`--exec-root=${OWN}/exec`, `--pidfile=${OWN}/docker.pid`, `--host=${OWN_SOCKET}`],
  ...['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false', '--bridge=none'],
  ...['--userland-proxy=false', '--log-level=warn'],
];

/** A Docker engine: the one that runs, or one that the lab started by hand. */
export class ContainerEngine {
  readonly host: string;

  constructor(host: string) {
    this.host = host;
  }

  get isOwn(): boolean {
    return this.host === OWN_SOCKET;
  }

  docker(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return command('docker', ['--host', this.host, ...args], options);
  }

  tryDocker(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return tryCommand('docker', ['--host', this.host, ...args], options);
  }

  async answers(): Promise<boolean> {
    const { code } = await this.tryDocker(['version', '--format', '{{.Server.Version}}'], { withinMs: 10_000 });
    return code === 0;
  }
}

const onPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** The engine that answers already; nothing is started. */
export async function findEngine(): Promise<ContainerEngine | undefined> {
  if (!onPath('docker')) return undefined;
  for (const host of [process.env['DOCKER_HOST'], OWN_SOCKET, USUAL_SOCKET]) {
    const engine = host ? new ContainerEngine(host) : undefined;
    if (engine && (await engine.answers())) return engine;
  }
  return undefined;
}

/** Why the lab cannot run on this machine; undefined when it can. */
export async function whyNoLab(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `its nodes are Linux containers and this is ${process.platform}`;
  if (await findEngine()) return undefined;
  if (process.getuid?.() !== 0) return 'no container engine answers, and only root can start one';
  if (!onPath('dockerd') && !onPath('apt-get')) return 'no container engine answers and dockerd is not installed';
  return undefined;
}

/** Programs of the machine that the lab needs; installed by apt where they are missing and we are root. */
export async function needPrograms(programs: Readonly<Record<string, string>>): Promise<void> {
  const missing = Object.keys(programs).filter((program) => !onPath(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => programs[program] ?? program))];
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    throw new Error(`the lab needs ${missing.join(', ')}: install ${packages.join(' ')} and try again`);
  }
  say(`${missing.join(', ')} not installed: apt-get install ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await command('apt-get', ['update', '-q'], { env });
  await command('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env });
}

/** The engine that answers, or our own, started now. */
export async function haveEngine(): Promise<ContainerEngine> {
  const found = await findEngine();
  if (found) return found;
  const why = await whyNoLab();
  if (why) throw new Error(why);
  await needPrograms({ dockerd: 'docker.io', docker: 'docker.io' });
  return startOwnEngine();
}

async function startOwnEngine(): Promise<ContainerEngine> {
  mkdirSync(OWN, { recursive: true, mode: 0o700 });
  mkdirSync(labCache('engine'), { recursive: true });
  const logFile = labCache('engine.log');
  // A pid file of an engine that was killed stops the next one from starting.
  if (!ownEnginePid()) rmSync(`${OWN}/docker.pid`, { force: true });
  const log = openSync(logFile, 'a');
  const child = spawn('dockerd', [...OWN_ENGINE, `--data-root=${labCache('engine')}`], {
    stdio: ['ignore', log, log],
    detached: true,
  });
  child.on('error', () => undefined); // told below, with the log
  child.unref();
  closeSync(log);
  say(`starting a container engine of the lab's own (process ${child.pid}, socket ${OWN}/docker.sock, log ${logFile})`);
  const engine = new ContainerEngine(OWN_SOCKET);
  await eventually(`the lab's container engine (its log: ${logFile})`, () => engine.answers(), { everyMs: 300 });
  return engine;
}

function ownEnginePid(): number | undefined {
  const file = `${OWN}/docker.pid`;
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  try {
    // A number is not an identity: it must still be the engine with our socket.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(OWN_SOCKET) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Ends the engine that the lab started; another one is left alone. */
export async function stopOwnEngine(): Promise<void> {
  const pid = ownEnginePid();
  if (!pid) return;
  process.kill(pid, 'SIGTERM');
  await eventually("the end of the lab's container engine", () => ownEnginePid() === undefined);
  rmSync(OWN, { recursive: true, force: true });
  say("the lab's container engine is stopped; what it holds stays cached");
}
