import path from 'node:path';
import { HubClient } from '../demo/hub-client.js';
import { freePorts } from '../kube/world/free-ports.js';
import { MeasuredProgram } from './measured-program.js';

export interface HubPorts {
  readonly http: number;
  readonly gateway: number;
  readonly enrolment: number;
}

export interface HubStart {
  readonly root: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly ports: HubPorts;
  /** Null: the hub starts its own embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  readonly core?: number | null;
}

export async function freeHubPorts(): Promise<HubPorts> {
  const [http, gateway, enrolment] = (await freePorts(3)) as [number, number, number];
  return { http, gateway, enrolment };
}

/** The real program, as a user starts it, from spawn to the first 200 of /readyz. */
export async function startHubProgram(start: HubStart): Promise<{ program: MeasuredProgram; readyMs: number }> {
  const { root, dataDir, logFile, ports, databaseUrl, core = null } = start;
  const startedAt = performance.now();
  const program = new MeasuredProgram([path.join(root, 'apps/hub/bin/wavegate-hub')], {
    logFile,
    core,
    env: {
      WAVEGATE_HTTP: `127.0.0.1:${ports.http}`,
      WAVEGATE_GATEWAY: `127.0.0.1:${ports.gateway}`,
      WAVEGATE_ENROLMENT: `127.0.0.1:${ports.enrolment}`,
      WAVEGATE_DATA_DIR: dataDir,
      ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
    },
  });
  try {
    await program.until('the hub to be ready', async () => {
      const response = await fetch(`http://127.0.0.1:${ports.http}/readyz`);
      await response.arrayBuffer();
      return response.ok ? true : null;
    });
  } catch (error) {
    await program.stop();
    throw error;
  }
  return { program, readyMs: performance.now() - startedAt };
}

/** As the hub prints it at the first start of a database. */
export async function adminClient(program: MeasuredProgram, ports: HubPorts): Promise<HubClient> {
  const token = await program.until('the first admin token', () =>
    Promise.resolve(/^\s{4}([0-9a-f]{12}\.[\w-]{43})$/m.exec(program.log)?.[1] ?? null),
  );
  return new HubClient(`http://127.0.0.1:${ports.http}`, token);
}
