import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Child, startChild } from '../../../tests/support/child.ts';
import { startOtlpSink } from '../../../tests/support/trace-backends.ts';
import { until } from '../../../tests/support/until.ts';

let sink: Awaited<ReturnType<typeof startOtlpSink>>;
beforeAll(async () => {
  sink = await startOtlpSink();
});
afterAll(() => sink.stop());

const script = new URL('./fixtures/ending-service.mjs', import.meta.url).pathname;
const end = (ending: string): Child => startChild(script, { ENDING: ending, ...sink.environment });
const line = (child: Child, message: string) => child.lines().find((entry) => entry.message === message);

/** The trace of the only request of a child. */
const traceOf = async (child: Child) => sink.spansOf(String(line(child, 'request_received')?.trace_id));

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s ends the service as if nobody listened, with everything sent',
  async (signal) => {
    const child = end('signal');
    await until('the service to wait', () => line(child, 'waiting'));
    child.process.kill(signal);
    expect(await child.ended).toBe(signal);
    expect(line(child, 'request_completed')).toMatchObject({ request_id: 'the-one' });
    expect(await traceOf(child)).toMatchObject([{ name: 'GET /work' }]);
  },
);

test('a service with a handler of its own decides when to end', async () => {
  const child = end('own-handler');
  await until('the service to wait', () => line(child, 'waiting'));
  child.process.kill('SIGTERM');
  expect(await child.ended).toBe(7);
  expect(await traceOf(child)).toMatchObject([{ name: 'GET /work' }]);
});

test.each(['throw', 'reject'])(
  'a crash (%s) leaves its log line, the span of the request it happened in, and status 1',
  async (ending) => {
    const child = end(ending);
    expect(await child.ended).toBe(1);
    expect(line(child, 'process_crashed')).toMatchObject({
      level: 'fatal',
      request_id: 'the-one',
      err: { message: 'fell over' },
    });
    expect(child.stderr()).toContain('Error: fell over');
    expect(await traceOf(child)).toMatchObject([{ failed: true, attributes: { request_id: 'the-one' } }]);
  },
);

test('process.exit keeps its status, and the last line is out', async () => {
  const child = end('exit');
  expect(await child.ended).toBe(3);
  expect(line(child, 'leaving')).toBeDefined();
});

test('a service that shuts down ends by itself', async () => {
  const child = end('return');
  expect(await child.ended).toBe(0);
  expect(line(child, 'done')).toBeDefined();
  expect(await traceOf(child)).toHaveLength(1);
});
