import { get as httpGet } from 'node:http';
import { SpanKind, trace } from '@opentelemetry/api';
import { monotonic, type Observability } from '@throughline/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type SeenSpan, startOtlpSink } from '../../../tests/support/trace-backends.ts';
import { until } from '../../../tests/support/until.ts';
import { type Line, openRequest, startEcho, startQuietly } from './support.ts';

type Sink = Awaited<ReturnType<typeof startOtlpSink>>;
let sink: Sink;
let telemetry: Observability & { readonly lines: Line[] };

const start = (environment: Readonly<Record<string, string>> = {}): void => {
  telemetry = startQuietly({ ...sink.environment, ...environment });
};
/** The exporter reads the endpoint from the process's own environment. */
beforeEach(async () => {
  sink = await startOtlpSink();
  Object.assign(process.env, sink.environment);
});
afterEach(async () => {
  await telemetry.shutdown();
  await sink.stop();
});
const named = (spans: readonly SeenSpan[], name: string): SeenSpan => {
  const found = spans.find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span ${name} among ${spans.map((span) => span.name)}`);
  return found;
};

test('a request becomes one trace: its stages with their true times, under its own span', async () => {
  start();
  const request = openRequest(telemetry, {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'x-request-id': 'r-1',
  });
  const before = Date.now();
  const at = monotonic();
  request.record.addStage('parse', at, at + 5, { attributes: { bytes: 12 } });
  await request.run(() => telemetry.stage('work', async () => telemetry.stage('inner', () => 1)));
  request.close({ status: 200, aborted: false });
  await telemetry.flush();
  const spans = await sink.spansOf('0af7651916cd43dd8448eb211c80319c');
  const [server, parse, work, inner] = ['GET /orders', 'parse', 'work', 'inner'].map((name) => named(spans, name)) as [
    SeenSpan,
    SeenSpan,
    SeenSpan,
    SeenSpan,
  ];
  expect(server.parentSpanId).toBe('b7ad6b7169203331');
  expect(parse.parentSpanId).toBe(server.spanId);
  expect(work.parentSpanId).toBe(server.spanId);
  expect(inner.parentSpanId).toBe(work.spanId);
  expect(parse.endUs - parse.startUs).toBeCloseTo(5000, -1);
  expect(Math.abs(parse.startUs / 1e3 - before)).toBeLessThan(50);
  expect(inner.startUs).toBeGreaterThanOrEqual(work.startUs);
  expect(server.attributes).toMatchObject({ 'http.route': '/orders', 'http.request.method': 'GET', request_id: 'r-1' });
  for (const span of spans) expect(span.attributes.request_id).toBe('r-1');
});

test('with sampling off, errors and slow requests are kept, and nothing else', async () => {
  start({ OTEL_TRACES_SAMPLER: 'always_off', THROUGHLINE_SLOW_MS: '30' });
  const fine = openRequest(telemetry);
  const failed = openRequest(telemetry);
  const slow = openRequest(telemetry);
  fine.close({ status: 200, aborted: false });
  failed.record.error = new Error('Bearer hunter2hunter2 refused');
  failed.close({ status: 500, aborted: false });
  await new Promise((resolve) => setTimeout(resolve, 40));
  slow.close({ status: 200, aborted: false });
  await telemetry.flush();
  expect(await sink.spansOf(fine.record.trace.traceId)).toEqual([]);
  expect(await sink.spansOf(slow.record.trace.traceId)).toHaveLength(1);
  const [span] = await sink.spansOf(failed.record.trace.traceId);
  expect(span?.failed).toBe(true);
  expect(JSON.stringify(sink.all())).not.toContain('hunter2');
});

test('spans of other libraries join the trace, and are kept or dropped with it', async () => {
  start({ OTEL_TRACES_SAMPLER: 'always_off' });
  const attributes = { 'db.connection_string': 'pg://app:hunter2hunter2@db/orders' };
  const query = (): void =>
    trace.getTracer('some-database').startSpan('SELECT', { kind: SpanKind.CLIENT, attributes }).end();
  const dropped = openRequest(telemetry);
  const kept = openRequest(telemetry);
  dropped.run(query);
  let late: { end(): void } | undefined;
  kept.run(() => {
    telemetry.stage('load', query);
    late = trace.getTracer('some-database').startSpan('late');
  });
  dropped.close({ status: 200, aborted: false });
  kept.close({ status: 503, aborted: false });
  late?.end();
  await telemetry.flush();
  expect(await sink.spansOf(dropped.record.trace.traceId)).toEqual([]);
  const spans = await sink.spansOf(kept.record.trace.traceId);
  expect(named(spans, 'SELECT').parentSpanId).toBe(named(spans, 'load').spanId);
  expect(named(spans, 'late').parentSpanId).toBe(kept.record.trace.spanId);
  expect(JSON.stringify(spans)).not.toContain('hunter2');
});

test('one in ten is kept at a ratio of 0.1, decided by the trace ID; a caller decides for its own', async () => {
  start({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' });
  const sampled = Array.from({ length: 20_000 }, () => openRequest(telemetry).record.trace.sampled).filter(
    Boolean,
  ).length;
  expect(sampled).toBeGreaterThan(1700);
  expect(sampled).toBeLessThan(2300);
  const from = (flags: string) =>
    openRequest(telemetry, { traceparent: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}` }).record
      .trace.sampled;
  expect([from('01'), from('00')]).toEqual([true, false]);
});

test('production keeps one trace in ten by default, development every one', () => {
  start({ NODE_ENV: 'production' });
  const share =
    Array.from({ length: 5000 }, () => openRequest(telemetry).record.trace.sampled).filter(Boolean).length / 5000;
  expect(share).toBeGreaterThan(0.07);
  expect(share).toBeLessThan(0.13);
});

test('an outbound fetch carries the IDs and becomes a client span; a failing one says so', async () => {
  start();
  const echo = await startEcho();
  const request = openRequest(telemetry, { 'x-request-id': 'r-9', 'x-correlation-id': 'c-9' });
  await request.run(async () => {
    await telemetry.stage('enrich', async () => (await fetch(`${echo.url}/fine?token=hunter2`)).text());
    await (await fetch(`${echo.url}/broken`)).text();
  });
  await (await fetch(`${echo.url}/outside`)).text();
  request.close({ status: 200, aborted: false });
  await telemetry.flush();
  const { traceId } = request.record.trace;
  const spans = await sink.spansOf(traceId);
  const calls = spans.filter((span) => span.name === 'GET');
  expect(calls.map((span) => span.failed)).toEqual([false, true]);
  expect(calls[0]?.parentSpanId).toBe(named(spans, 'enrich').spanId);
  expect(echo.seen[0]).toMatchObject({
    'x-request-id': 'r-9',
    'x-correlation-id': 'c-9',
    traceparent: `00-${traceId}-${calls[0]?.spanId}-01`,
  });
  expect(echo.seen[2]).not.toHaveProperty('traceparent');
  expect(JSON.stringify(spans)).not.toContain('hunter2');
  await echo.stop();
});

test('an exporter that fails is told once, counted, and harms nothing', async () => {
  await sink.stop();
  start({ OTEL_BSP_EXPORT_TIMEOUT: '500' });
  for (let i = 0; i < 3; i++) {
    openRequest(telemetry).close({ status: 200, aborted: false });
    await telemetry.flush();
  }
  expect(telemetry.lines.filter(({ message }) => message === 'trace_export_failing').length).toBeLessThanOrEqual(1);
  expect(telemetry.lines.filter(({ message }) => message === 'request_completed')).toHaveLength(3);
});

test('when too much is waiting, a trace is dropped whole, counted, and no exemplar points to it', async () => {
  start({ OTEL_BSP_MAX_QUEUE_SIZE: '5' });
  const requests = Array.from({ length: 3 }, () => {
    const request = openRequest(telemetry);
    request.record.addStage('one', monotonic(), monotonic());
    request.close({ status: 200, aborted: false });
    return request;
  });
  await telemetry.flush();
  const kept = await Promise.all(requests.map(({ record }) => sink.spansOf(record.trace.traceId)));
  expect(kept.map((spans) => spans.length)).toEqual([2, 2, 0]);
  const { text } = await telemetry.metrics.text('application/openmetrics-text');
  expect(text).toContain('telemetry_spans_total{outcome="dropped"} 2');
  expect(text).toContain('telemetry_spans_total{outcome="exported"} 4');
  expect(text).not.toContain(requests[2]?.record.trace.traceId as string);
});

test('an outbound request of node:http becomes a client span, and from Node.js 22.12 on carries the IDs', async () => {
  start();
  const echo = await startEcho();
  const request = openRequest(telemetry, { 'x-request-id': 'r-10' });
  const call = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      httpGet(`${echo.url}${path}`, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
  await request.run(async () => {
    await call('/fine?token=hunter2');
    await expect(request.run(() => call('/broken'))).resolves.toBeUndefined();
    httpGet('http://127.0.0.1:1/refused').on('error', () => {});
  });
  await call('/outside');
  await until('the refused call', () => request.record.stages.length === 3);
  request.close({ status: 200, aborted: false });
  await telemetry.flush();
  const { traceId } = request.record.trace;
  const spans = (await sink.spansOf(traceId)).filter(({ name }) => name === 'GET');
  expect(spans.map(({ failed }) => failed).toSorted()).toEqual([false, true, true]);
  const fine = spans.find(({ attributes }) => attributes['url.path'] === '/fine') as SeenSpan;
  expect(fine.attributes).toMatchObject({
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(echo.url).port),
  });
  expect(JSON.stringify(spans)).not.toContain('hunter2');
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  if (major > 22 || (major === 22 && minor >= 12)) {
    expect(echo.seen[0]).toMatchObject({ 'x-request-id': 'r-10', traceparent: `00-${traceId}-${fine.spanId}-01` });
  }
  expect(echo.seen[2]).not.toHaveProperty('traceparent');
  await echo.stop();
});

test('headers that the caller sets by hand stay as they are, once', async () => {
  start();
  const echo = await startEcho();
  const headers = { 'X-Request-ID': 'by-hand', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
  const request = openRequest(telemetry, { 'x-correlation-id': 'flow' });
  await request.run(async () => {
    await (await fetch(echo.url, { headers })).text();
    await new Promise((resolve) => {
      httpGet(echo.url, { headers }, (response) => response.resume().on('end', resolve));
    });
  });
  for (const seen of echo.seen)
    expect(seen).toMatchObject({ 'x-request-id': 'by-hand', traceparent: headers.traceparent });
  expect(echo.seen[0]).toMatchObject({ 'x-correlation-id': 'flow' });
  expect(echo.seen).toHaveLength(2);
  await echo.stop();
});

test('what the exporter sends is not the work of a request', async () => {
  start({ OTEL_BSP_SCHEDULE_DELAY: '20' });
  const request = openRequest(telemetry);
  await request.run(async () => {
    request.close({ status: 200, aborted: false });
    await until('the export', async () => (await sink.spansOf(request.record.trace.traceId)).length === 1);
  });
  expect(request.record.stages).toEqual([]);
});
