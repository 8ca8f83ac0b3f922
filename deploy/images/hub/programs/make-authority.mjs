// Makes the hub's certificate authority once and keeps it in two Secrets: what every replica needs, and the root's key,
// which nothing needs any more and which belongs offline. Run by the chart before its first installation.
//   NAMESPACE, SECRET: where; LABELS: JSON. Uses the service account it runs as (ACCOUNT: its folder).
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ACCOUNT = process.env.ACCOUNT ?? '/var/run/secrets/kubernetes.io/serviceaccount';
const { openAuthorityFiles } = await import(process.env.AUTHORITY_MODULE ?? '../dist/agents/authority-files.js');
const { NAMESPACE, SECRET, LABELS = '{}', KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;

function ask(method, path, body) {
  const token = readFileSync(join(ACCOUNT, 'token'), 'utf8');
  const text = body ? JSON.stringify(body) : '';
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  };
  return new Promise((done, failed) => {
    const asked = request(
      { host, port, method, path, headers, ca: readFileSync(join(ACCOUNT, 'ca.crt')) },
      (answer) => {
        let said = '';
        answer.on('data', (chunk) => (said += chunk));
        answer.on('end', () => done({ code: answer.statusCode, said }));
      },
    );
    asked.on('error', failed);
    asked.end(text);
  });
}

async function keep(name, files) {
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets`;
  const data = Object.fromEntries(
    Object.entries(files).map(([file, text]) => [file, Buffer.from(text).toString('base64')]),
  );
  const { code, said } = await ask('POST', path, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: JSON.parse(LABELS) },
    type: 'Opaque',
    data,
  });
  if (code !== 201) throw new Error(`Secret ${NAMESPACE}/${name} could not be made: ${code} ${said}`);
}

const found = await ask('GET', `/api/v1/namespaces/${NAMESPACE}/secrets/${SECRET}`);
if (found.code === 200) {
  console.log(`Secret ${NAMESPACE}/${SECRET} is there: left as it is`);
} else if (found.code !== 404) {
  throw new Error(`Secret ${NAMESPACE}/${SECRET} cannot be read: ${found.code} ${found.said}`);
} else {
  const folder = join(mkdtempSync(join(tmpdir(), 'authority-')), 'ca');
  await openAuthorityFiles(folder, Date.now());
  const files = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  rmSync(folder, { recursive: true, force: true });
  const { 'root.key': rootKey, ...shared } = files;
  // The root's key first: without it there would be an authority whose intermediate nobody could ever renew.
  await keep(`${SECRET}-root`, { 'root.key': rootKey }).catch((error) => {
    if (!/409/.test(error.message)) throw error;
    throw new Error(`${SECRET}-root is there without ${SECRET}: restore that one from your backup, or delete both`);
  });
  await keep(SECRET, shared);
  console.log(`made the authority of this hub: Secrets ${SECRET} and ${SECRET}-root in ${NAMESPACE}`);
}
