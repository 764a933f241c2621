import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context, propagation, ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api';
import { RPCType, setRPCMetadata, W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { monotonic, type Observability } from '@throughline/sdk';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Line, openRequest, startEcho, startQuietly } from './support.ts';

// A service whose tracing is set up already, by whatever distribution: we ride on it, and start no second server span.

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
const storage = new AsyncLocalStorage<Context>();
let telemetry: Observability & { readonly lines: Line[] };

beforeAll(() => {
  trace.setGlobalTracerProvider(provider);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...rest) => storage.run(active, () => run.apply(self as never, rest)),
    bind: (_context, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  telemetry = startQuietly({}, { service: 'guest' });
});
beforeEach(() => exporter.reset());
afterAll(async () => {
  await telemetry.shutdown();
  trace.getTracer('host').startSpan('after').end();
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toContain('after');
});

const named = (name: string): ReadableSpan => {
  const found = exporter.getFinishedSpans().find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span ${name}`);
  return found;
};
/** Does what an HTTP instrumentation does around a request. */
const asServer = (run: () => unknown): Promise<void> =>
  trace.getTracer('host').startActiveSpan('SERVER', { kind: SpanKind.SERVER }, async (span) => {
    await run();
    span.end();
  });

test('it says so once', () => {
  expect(telemetry.lines.filter(({ message }) => message?.startsWith('tracing_joins'))).toHaveLength(1);
});

test('the host’s server span is the request’s: its IDs in the log, our attributes and stages on its trace', async () => {
  await asServer(async () => {
    const request = openRequest(telemetry, { 'x-request-id': 'guest-1' });
    await request.run(async () => {
      telemetry.log.info('inside');
      await telemetry.stage('load', async () => trace.getTracer('db').startSpan('SELECT').end());
    });
    const at = monotonic();
    request.record.addStage('outer', at, at + 2, { spanId: 'aaaaaaaaaaaaaaaa' });
    request.record.addStage('inner', at, at + 1, { parentSpanId: 'aaaaaaaaaaaaaaaa' });
    request.close({ status: 200, aborted: false });
  });
  const server = named('SERVER');
  const { traceId, spanId } = server.spanContext();
  expect(exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER)).toHaveLength(1);
  expect(server.attributes).toMatchObject({ request_id: 'guest-1', correlation_id: traceId, 'http.route': '/orders' });
  expect(telemetry.lines.find(({ message }) => message === 'inside')).toMatchObject({
    trace_id: traceId,
    span_id: spanId,
  });
  expect(named('load').parentSpanContext?.spanId).toBe(spanId);
  expect(named('SELECT').parentSpanContext?.spanId).toBe(named('load').spanContext().spanId);
  expect(named('outer').parentSpanContext?.spanId).toBe(spanId);
  expect(named('inner').parentSpanContext?.spanId).toBe(named('outer').spanContext().spanId);
  for (const span of exporter.getFinishedSpans()) expect(span.spanContext().traceId).toBe(traceId);
  const { text } = await telemetry.metrics.text('application/openmetrics-text');
  expect(text).toContain(`trace_id="${traceId}",request_id="guest-1"`);
});

test('behind the span of a middleware, the server span is found all the same, and the active one stays active', async () => {
  await asServer(async () => {
    const server = trace.getActiveSpan() as Span;
    const known = setRPCMetadata(context.active(), { type: RPCType.HTTP, span: server });
    const middleware = trace.getTracer('host').startSpan('middleware', {}, known);
    context.with(trace.setSpan(known, middleware), () => {
      const request = openRequest(telemetry, { 'x-request-id': 'guest-3' });
      expect(request.run(() => trace.getActiveSpan())).toBe(middleware);
      middleware.end();
      request.close({ status: 200, aborted: false });
    });
  });
  expect(named('SERVER').attributes).toMatchObject({ request_id: 'guest-3', 'http.response.status_code': 200 });
});

test('where the host starts no server span, one is started by it, below the caller’s', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const request = openRequest(telemetry, { traceparent });
  request.run(() => trace.getTracer('db').startSpan('SELECT').end());
  request.record.error = new Error('password=hunter2');
  request.close({ status: 500, aborted: false });
  const server = named('GET /orders');
  expect(server.kind).toBe(SpanKind.SERVER);
  expect(server.spanContext()).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: request.record.trace.spanId,
  });
  expect(server.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
  expect(server.status.code).toBe(2);
  expect(JSON.stringify([server.events, server.status])).not.toContain('hunter2');
  expect(named('SELECT').parentSpanContext?.spanId).toBe(server.spanContext().spanId);
});

test('an outbound fetch carries our IDs; the trace is the host’s to carry on', async () => {
  const echo = await startEcho();
  await asServer(async () => {
    const request = openRequest(telemetry, { 'x-request-id': 'guest-2' });
    await request.run(async () => (await fetch(echo.url)).text());
    request.close({ status: 200, aborted: false });
  });
  expect(echo.seen[0]).toMatchObject({
    'x-request-id': 'guest-2',
    'x-correlation-id': named('SERVER').spanContext().traceId,
  });
  expect(echo.seen[0]).not.toHaveProperty('traceparent');
  await echo.stop();
});
