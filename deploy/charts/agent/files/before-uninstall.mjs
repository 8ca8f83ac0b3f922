// Before `helm uninstall`. While an order runs or has a node closed, the release is kept: nobody else would end the one or
// open the other. Then the journals go: they count orders, and an agent that joins anew is counted from the beginning.
// Exit 1 keeps the release; what is printed says why and what to do.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

const account = process.env.ACCOUNT ?? '/var/run/secrets/kubernetes.io/serviceaccount';
const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, NAMESPACE: namespace } = process.env;
const { RELEASE: release = 'wavegate-agent', REVISION: revision = 'REVISION' } = process.env;
const journals = `/api/v1/namespaces/${namespace}/configmaps`;

function ask(method, path) {
  const headers = { authorization: `Bearer ${readFileSync(`${account}/token`, 'utf8').trim()}`, 'content-length': 0 };
  return new Promise((done, failed) => {
    const asked = request({ host, port, method, path, headers, ca: readFileSync(`${account}/ca.crt`) }, (answer) => {
      let text = '';
      answer.on('data', (part) => (text += part));
      answer.on('end', () =>
        answer.statusCode < 300 || answer.statusCode === 404 ? done(JSON.parse(text)) : failed(new Error(text)),
      );
    });
    asked.on('error', failed);
    asked.end();
  });
}

/** An order whose journal has not ended; a journal too large for one object says nothing here. */
function running({ data }) {
  if (!data?.journal) return [];
  const { state, order } = JSON.parse(data.journal);
  return state === 'done' || state === 'withdrawn' ? [] : [`order ${order.id} (${order.kind}) is not over: ${state}`];
}

const { items: nodes } = await ask('GET', '/api/v1/nodes');
const { items: maps } = await ask('GET', journals);
const labelled = maps.filter(({ metadata: { labels = {} } }) =>
  Object.keys(labels).some((key) => key.startsWith('wavegate.dev/journal')),
);
const closed = nodes
  .map(({ metadata, spec }) => ({ name: metadata.name, by: metadata.annotations?.['wavegate.dev/cordoned-by'], spec }))
  .filter(({ by, spec }) => by && spec.unschedulable)
  .map(({ name, by }) => `node ${name} is closed by order ${by}`);
const reasons = [...labelled.flatMap(running), ...closed];
if (reasons.length > 0) {
  for (const line of reasons) console.log(line);
  console.log(
    'Nothing was removed. Let the order end, or take it back (on the hub: wavegate orders withdraw ID); or open',
  );
  console.log('the nodes yourself (kubectl uncordon), and remove the agent nonetheless by helm uninstall --no-hooks.');
  // Helm has noted the uninstall before it asked us, and takes no upgrade of such a release (seen with 3.22).
  console.log(`The agent works on, but helm now calls the release "uninstalling". To keep and upgrade it:`);
  console.log(`  helm rollback ${release} ${revision} -n ${namespace}`);
  process.exitCode = 1;
} else {
  for (const { metadata } of labelled) await ask('DELETE', `${journals}/${metadata.name}`);
  console.log(`no order runs and no node is closed; ${labelled.length} journals are removed`);
}
