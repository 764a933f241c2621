// Predictions per second of the worker pool alone (no HTTP, no batching), for some ways to spend the cores.
//   npm run bench -- workers
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadModel } from '../apps/inference-gateway/dist/models/manifest.js';
import { startWorkerPool } from '../apps/inference-gateway/dist/workers/pool.js';

const folder = fileURLToPath(new URL('../models/sentiment', import.meta.url));
const ROUNDS = 5;
const TASKS = 1000;
const SHAPES = [
  { workers: 1, threads: 1 },
  { workers: 1, threads: 2 },
  { workers: 2, threads: 1 },
];

const sentences = Object.values(JSON.parse(readFileSync(`${folder}/probes.json`, 'utf8'))).flatMap((items) =>
  items.map(([text]) => text),
);
/** One to four sentences, all different. */
const texts = Array.from({ length: TASKS }, (_, i) =>
  Array.from({ length: 1 + (i % 4) }, (_, j) => sentences[(i * 7 + j * 13) % sentences.length]).join(' '),
);
const context = {
  requestId: 'bench',
  correlationId: 'bench',
  traceId: '0'.repeat(32),
  spanId: '0'.repeat(16),
  sampled: false,
};
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function start({ workers, threads }, model) {
  let markReady;
  const ready = new Promise((resolve) => {
    markReady = resolve;
  });
  let missing = workers;
  const pool = startWorkerPool({
    entry: new URL('../apps/inference-gateway/dist/workers/entry.js', import.meta.url),
    workerData: { model, threads },
    size: workers,
    maxQueue: TASKS,
    taskTimeoutMs: 60_000,
    onEvent: ({ type }) => {
      if (type === 'worker_ready' && --missing === 0) markReady();
    },
  });
  await ready;
  return pool;
}

async function measure(pool) {
  const cpu = process.cpuUsage();
  const since = performance.now();
  await Promise.all(texts.map((text) => pool.run([text], { context })));
  const seconds = (performance.now() - since) / 1e3;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: TASKS / seconds, cpuMs: (user + system) / 1e3 / TASKS };
}

const model = await loadModel(folder);
const pools = [];
for (const shape of SHAPES) pools.push({ shape, pool: await start(shape, model), results: [] });
for (const { pool } of pools) await measure(pool);
// Round by round, so that whatever else the machine does meets all shapes alike.
for (let i = 0; i < ROUNDS; i++) for (const { pool, results } of pools) results.push(await measure(pool));
console.log(`Node.js ${process.version}, ${TASKS} texts, median of ${ROUNDS} interleaved rounds:`);
for (const { shape, results } of pools) {
  const rate = median(results.map((result) => result.rate))
    .toFixed(0)
    .padStart(6);
  const cpu = median(results.map((result) => result.cpuMs)).toFixed(2);
  console.log(`${shape.workers} worker(s) × ${shape.threads} thread(s) ${rate} predictions/s, ${cpu} ms of CPU each`);
}
await Promise.all(pools.map(({ pool }) => pool.shutdown()));
