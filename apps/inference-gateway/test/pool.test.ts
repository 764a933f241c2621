import { CodedError, type TaskContext } from '@throughline/sdk';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../../tests/support/until.ts';
import { type PoolEvent, type PoolOptions, startWorkerPool, type WorkerPool } from '../src/workers/pool.ts';
import { loadSentiment } from './support.ts';

const entry = new URL('./fixtures/faulty-entry.mjs', import.meta.url);
const context: TaskContext = { requestId: 'r', correlationId: 'c', traceId: 't', spanId: 's', sampled: true };
let pool: WorkerPool | undefined;
let events: PoolEvent[];

async function start(options: Partial<PoolOptions> = {}): Promise<WorkerPool> {
  events = [];
  const size = options.size ?? 1;
  pool = startWorkerPool({
    entry,
    workerData: { model: await loadSentiment(), threads: 1 },
    size,
    maxQueue: 10,
    taskTimeoutMs: 10_000,
    onEvent: (event) => events.push(event),
    ...options,
  });
  await until('the workers', () => pool?.state().idle === size, 10_000).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(events)}`);
  });
  return pool;
}
afterEach(() => pool?.shutdown());

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'fine',
    (error: unknown) => (error instanceof CodedError ? error.code : String(error)),
  );

test('many tasks at once: each gets its own answer', async () => {
  const running = await start({ size: 2, maxQueue: 200 });
  const texts = Array.from({ length: 100 }, (_, i) => `${'word '.repeat(i)}end`);
  const batches = await Promise.all(texts.map((text) => running.run([text], { context })));
  expect(batches.map(({ classifications }) => classifications[0]?.tokens)).toEqual(texts.map((_, i) => i + 3));
  expect(new Set(batches.map(({ workerId }) => workerId)).size).toBe(2);
});

test('the worker’s times lie between sending and receiving, on one scale', async () => {
  const running = await start();
  const { monotonic } = await import('@throughline/sdk');
  const sent = monotonic();
  const { times } = await running.run(['true times'], { context });
  const order = [
    sent,
    times.startedAt,
    times.tokenizedAt,
    times.forwardStartedAt,
    times.forwardEndedAt,
    times.endedAt,
    monotonic(),
  ];
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test.each(['please throw', 'please exit'])(
  'a worker that crashes (%s) fails only its own task, clearly, and comes back',
  async (text) => {
    const running = await start({ size: 2 });
    const others = Array.from({ length: 8 }, () => code(running.run(['a fine text'], { context })));
    const own = code(running.run([text], { context }));
    expect(await own).toBe('inference_failed');
    expect(await Promise.all(others)).toEqual(others.map(() => 'fine'));
    expect(events.find(({ type }) => type === 'worker_crashed')).toMatchObject({ failedTasks: 1 });
    await until('the worker to come back', () => running.state().idle === 2);
    expect(await code(running.run(['again'], { context }))).toBe('fine');
  },
);

test('a task that fails inside the worker is told with its IDs, and the worker goes on', async () => {
  const running = await start();
  expect(await code(running.run(['please fail'], { context }))).toBe('inference_failed');
  expect(events.at(-1)).toMatchObject({ type: 'task_failed', context: { requestId: 'r' } });
  expect(await code(running.run(['next'], { context }))).toBe('fine');
});

test('a full queue refuses with the time to come again', async () => {
  const running = await start({ maxQueue: 2 });
  const tasks = Array.from({ length: 5 }, () => running.run(['please wait 100'], { context }));
  const codes = await Promise.all(tasks.map(code));
  expect(codes).toEqual(['fine', 'fine', 'fine', 'overloaded', 'overloaded']);
  await expect(tasks[4]).rejects.toMatchObject({ retryAfterSeconds: 1 });
});

test('a task whose client left is taken out of the queue', async () => {
  const running = await start();
  const busy = running.run(['please wait 200'], { context });
  const controller = new AbortController();
  const left = code(running.run(['nobody waits'], { context, signal: controller.signal }));
  expect(running.state().queued).toBe(1);
  controller.abort(new CodedError('client_closed_request'));
  expect(await left).toBe('client_closed_request');
  expect(running.state().queued).toBe(0);
  await busy;
});

test('a run that takes too long is answered for; its worker is set aside until it returns', async () => {
  const running = await start({ taskTimeoutMs: 100 });
  expect(await code(running.run(['please wait 400'], { context }))).toBe('inference_timeout');
  expect(running.state()).toMatchObject({ busy: 1, idle: 0 });
  await until('the worker to return', () => running.state().idle === 1);
  expect(await code(running.run(['next'], { context }))).toBe('fine');
});

test('a shutdown finishes what runs and what waits, and takes nothing more', async () => {
  const running = await start();
  const tasks = Array.from({ length: 4 }, () => code(running.run(['please wait 50'], { context })));
  const ended = running.shutdown();
  expect(await code(running.run(['too late'], { context }))).toBe('not_ready');
  await ended;
  expect(await Promise.all(tasks)).toEqual(['fine', 'fine', 'fine', 'fine']);
  pool = undefined;
});
