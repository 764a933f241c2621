import { Agent } from 'node:http';
import { expect, test } from 'vitest';
import { startGatewayProcess } from '../../../tests/support/child.ts';
import { type Answer, predict, send } from '../../../tests/support/http.ts';
import { startOtlpSink } from '../../../tests/support/trace-backends.ts';
import { until } from '../../../tests/support/until.ts';

/** Clients that ask one question after the other until they are refused a connection; anything else is a loss. */
async function keepAsking(url: string, clients: number) {
  const answers: Answer[] = [];
  const losses: unknown[] = [];
  const one = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (;;) {
      try {
        answers.push(await predict(url, `Answer number ${answers.length} is a good one.`, { agent }));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') losses.push(error);
        break;
      }
    }
    agent.destroy();
  };
  const done = Promise.all(Array.from({ length: clients }, one));
  return { answers, losses, done };
}

test('SIGTERM under load: every accepted request is answered, its telemetry sent, and the status is 0', async () => {
  const sink = await startOtlpSink();
  const gateway = await startGatewayProcess(sink.environment);
  const load = await keepAsking(gateway.url, 24);
  await until('some answers', () => load.answers.length > 200);
  const before = load.answers.length;
  gateway.process.kill('SIGTERM');
  await load.done;
  expect(await gateway.ended).toBe(0);
  expect(load.losses).toEqual([]);
  expect(load.answers.length).toBeGreaterThan(before);
  expect(load.answers.map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
  const lines = gateway.lines();
  const completed = new Set(
    lines.filter(({ message }) => message === 'request_completed').map((line) => line.request_id),
  );
  for (const { json } of load.answers) {
    expect(completed.has(json.request_id)).toBe(true);
    expect((await sink.spansOf(json.trace_id)).map(({ name }) => name)).toContain('POST /predict');
  }
  expect(lines.at(-1)?.message).toBe('gateway_stopped');
  await sink.stop();
});

test('a crash under load: what is under way is answered, the line is out, and the status is 1', async () => {
  const fall = new URL('./fixtures/falls-on-signal.mjs', import.meta.url).href;
  const gateway = await startGatewayProcess({ NODE_OPTIONS: `--import=${fall}` });
  const load = await keepAsking(gateway.url, 8);
  await until('some answers', () => load.answers.length > 50);
  gateway.process.kill('SIGUSR2');
  await load.done;
  expect(await gateway.ended).toBe(1);
  expect(load.losses).toEqual([]);
  expect(new Set(load.answers.map(({ status }) => status))).toEqual(new Set([200]));
  const messages = gateway.lines().map(({ message }) => message);
  expect(messages).toEqual(expect.arrayContaining(['process_crashed', 'gateway_stopping', 'gateway_stopped']));
});

test('readiness flips first: an open connection hears 503 from /ready, and is closed after its answer', async () => {
  const gateway = await startGatewayProcess({ SHUTDOWN_GRACE_MS: '1500', WORKERS: '1' });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await send(`${gateway.url}/ready`, { agent });
  gateway.process.kill('SIGTERM');
  await until('the gateway to stop', () => gateway.lines().some(({ message }) => message === 'gateway_stopping'));
  const answer = await send(`${gateway.url}/ready`, { agent });
  expect([answer.status, answer.headers.connection, answer.json.error.code]).toEqual([503, 'close', 'not_ready']);
  await expect(send(`${gateway.url}/health`)).rejects.toThrow('ECONNREFUSED');
  expect(await gateway.ended).toBe(0);
});

const STUCK = { SHUTDOWN_GRACE_MS: '60000', WORKERS: '1' };

test('a second signal ends it at once', async () => {
  const gateway = await startGatewayProcess(STUCK);
  gateway.process.kill('SIGTERM');
  await until('the gateway to stop', () => gateway.lines().some(({ message }) => message === 'gateway_stopping'));
  gateway.process.kill('SIGINT');
  expect(await gateway.ended).toBe('SIGINT');
});

test('a shutdown that takes too long is cut, and says so', async () => {
  const gateway = await startGatewayProcess({ ...STUCK, SHUTDOWN_TIMEOUT_MS: '300' });
  gateway.process.kill('SIGTERM');
  expect(await gateway.ended).toBe('SIGTERM');
  expect(gateway.lines().at(-1)).toMatchObject({ message: 'gateway_shutdown_cut', limit_ms: 300 });
});
