// A small instrumented workload and the people who use it: real HTTP requests at a steady pace, answered with 200, or
// with 500 for one in N, counted as http_requests_total{code}. Plain Node: it runs as a process of its own.
//   node shop-program.mjs PORT REQUESTS_PER_SECOND ONE_IN
import { Agent, createServer, get } from 'node:http';

const [port, perSecond, oneIn] = process.argv.slice(2).map(Number);
const counts = { 200: 0, 500: 0 };
let failing = oneIn;
let served = 0;

function page() {
  const rows = Object.entries(counts).map(([code, n]) => `http_requests_total{namespace="shop",code="${code}"} ${n}\n`);
  return `# TYPE http_requests_total counter\n${rows.join('')}`;
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://shop');
  if (pathname === '/metrics') return response.setHeader('content-type', 'text/plain; version=0.0.4').end(page());
  if (pathname === '/fail') failing = Number(searchParams.get('oneIn'));
  else {
    served += 1;
    response.statusCode = served % failing === 0 ? 500 : 200;
    counts[response.statusCode] += 1;
  }
  return response.end('ok');
});

// Several at a time in short beats: a timer of its own for each request would keep worse time.
const BEAT_MS = 50;
const users = new Agent({ keepAlive: true, maxSockets: 8 });
let owed = 0;
server.listen(port, '127.0.0.1', () => {
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    owed += ((now - last) / 1000) * perSecond;
    last = now;
    for (; owed >= 1; owed -= 1) {
      get({ host: '127.0.0.1', port, path: '/buy', agent: users }, (answer) => answer.resume()).on('error', () => {});
    }
  }, BEAT_MS);
});
