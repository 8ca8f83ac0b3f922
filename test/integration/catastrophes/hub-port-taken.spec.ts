import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../kube/world/eventually.js';
import { ChildPrograms } from '../../kube/world/child-programs.js';
import { freePorts } from '../../kube/world/free-ports.js';
import { builtProgram } from '../world/hub-process.js';

/** As a person starts it: a fresh folder, the hub's own PostgreSQL. */
describe('a hub whose port is taken at its first start', () => {
  let dir: string;
  let squatter: Server;
  let programs: ChildPrograms;
  let ports: readonly number[];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'wavegate-port-'));
    chmodSync(dir, 0o755);
    programs = new ChildPrograms(dir);
    ports = await freePorts(3);
    squatter = createServer();
    await new Promise<void>((done) => squatter.listen(ports[0], '127.0.0.1', done));
  });
  afterAll(async () => {
    await programs.stopAll();
    squatter.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const settings = (): NodeJS.ProcessEnv => ({
    NODE_OPTIONS: '',
    WAVEGATE_HTTP: `127.0.0.1:${ports[0]}`,
    WAVEGATE_GATEWAY: `127.0.0.1:${ports[1]}`,
    WAVEGATE_ENROLMENT: `127.0.0.1:${ports[2]}`,
    WAVEGATE_DATA_DIR: join(dir, 'data'),
  });
  const postmaster = (): string => join(dir, 'data', 'postgres', 'data', 'postmaster.pid');
  const whoAmI = (token: string) =>
    fetch(`http://127.0.0.1:${ports[0]}/api/v1/clusters`, { headers: { authorization: `Bearer ${token}` } });

  it('says which address, and by which setting to move; leaves no database server behind and no token unsaid', async () => {
    programs.start('first', builtProgram('hub'), [], settings());
    await eventually('the hub to give up', () => !programs.isRunning('first'));
    expect(programs.exitCode('first')).toBe(1);
    const said = programs.tail('first');
    expect(said).toContain(`another program listens on 127.0.0.1:${ports[0]}`);
    expect(said).toContain('WAVEGATE_HTTP=HOST:PORT');
    expect(said).not.toContain('admin token');
    expect(existsSync(postmaster())).toBe(false);
  });

  it('once the port is free → the first token is shown, and works; a second one is made beside the running hub', async () => {
    await new Promise((done) => squatter.close(done));
    programs.start('second', builtProgram('hub'), [], settings());
    const token = await eventually('the first token', () => {
      if (!programs.isRunning('second')) throw new Error(programs.tail('second'));
      return /First admin token[^\n]*\n\s+(\S+)/.exec(programs.tail('second', 20))?.[1];
    });
    expect((await whoAmI(token)).status).toBe(200);
    const another = await new Promise<string>((done, fail) => {
      const env = { ...process.env, ...settings() };
      execFile(builtProgram('hub'), ['admin-token'], { env }, (error, out) => (error ? fail(error) : done(out.trim())));
    });
    expect(another).not.toBe(token);
    expect((await whoAmI(another)).status).toBe(200);
    // The running hub's database is still there after that.
    expect((await whoAmI(token)).status).toBe(200);
    await programs.stop('second', 60_000);
    expect(existsSync(postmaster())).toBe(false);
  });
});
