// Cold start and memory of the built gateway: from its process's first moment to a ready model, and what it holds at rest.
//   npm run bench            (ROUNDS=10 WORKERS=1 to vary)
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../apps/inference-gateway/dist/main.js', import.meta.url));
const rounds = Number(process.env.ROUNDS ?? 7);
const BOUND_MS = 20_000;
const REST_MS = 1500;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function untilReady(url, since) {
  while (performance.now() - since < BOUND_MS) {
    if ((await fetch(`${url}/ready`)).ok) return;
    await sleep(2);
  }
  throw new Error(`not ready after ${BOUND_MS} ms`);
}

const residentMegabytes = async (url) =>
  Number(/^process_resident_memory_bytes (\d+)/m.exec(await (await fetch(`${url}/metrics`)).text())[1]) / 2 ** 20;

async function round() {
  const since = performance.now();
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const entry = JSON.parse(line);
      if (entry.message === 'gateway_listening') resolve(entry.url);
    });
    child.once('exit', () => reject(new Error('the gateway ended')));
  });
  const listeningMs = performance.now() - since;
  await untilReady(url, since);
  const readyMs = performance.now() - since;
  await sleep(REST_MS);
  const megabytes = await residentMegabytes(url);
  child.kill('SIGTERM');
  await ended;
  return { listeningMs, readyMs, megabytes };
}

const results = [];
for (let i = 0; i < rounds; i++) results.push(await round());
const report = (name, unit, key, goal) => {
  const values = results.map((result) => result[key]);
  const span = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`;
  console.log(`${name.padEnd(28)} ${median(values).toFixed(0).padStart(6)} ${unit}   (${span}, goal ≤ ${goal})`);
};
console.log(`Node.js ${process.version}, ${rounds} rounds, WORKERS=${process.env.WORKERS ?? 'default'}, medians:`);
report('start to listening', 'ms', 'listeningMs', '–');
report('start to ready', 'ms', 'readyMs', '1500');
report('resident memory at rest', 'MiB', 'megabytes', '200');
