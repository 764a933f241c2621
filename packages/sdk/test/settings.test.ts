import { expect, test } from 'vitest';
import { openRequest, startQuietly } from './support.ts';

test.each([
  ['OTEL_TRACES_EXPORTER', 'jaeger', /otlp, console or none/],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'smoke', /grpc, http\/protobuf, http\/json/],
  ['OTEL_TRACES_SAMPLER', 'sometimes', /always_on/],
  ['OTEL_TRACES_SAMPLER_ARG', '7', /from 0 to 1/],
  ['OTEL_METRICS_EXPORTER', 'otlp', /prometheus, none/],
  ['OTEL_SDK_DISABLED', 'yes', /true, false/],
  ['LOG_LEVEL', 'loud', /trace, debug/],
  ['OTEL_BSP_MAX_QUEUE_SIZE', 'many', /must be a number/],
])('a wrong %s stops the start with a sentence that names it', (name, value, sentence) => {
  expect(() => startQuietly({ [name]: value })).toThrow(sentence);
  expect(() => startQuietly({ [name]: value })).toThrow(name);
});

test('each signal can be switched off alone', async () => {
  const noLogs = startQuietly({ OTEL_LOGS_EXPORTER: 'none' });
  openRequest(noLogs).close({ status: 500, aborted: false });
  noLogs.log.error('nobody hears');
  expect(noLogs.lines).toEqual([]);
  expect((await noLogs.metrics.text()).text).toContain('http_requests_total{');
  await noLogs.shutdown();

  const noMetrics = startQuietly({ OTEL_METRICS_EXPORTER: 'none' });
  openRequest(noMetrics).close({ status: 200, aborted: false });
  expect((await noMetrics.metrics.text()).text).toBe('\n');
  expect(noMetrics.lines.map(({ message }) => message)).toContain('request_completed');
  await noMetrics.shutdown();

  const nothing = startQuietly({ OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'otlp' });
  expect(nothing.signals).toEqual({ logs: false, metrics: false, traces: false });
  const request = openRequest(nothing);
  request.close({ status: 200, aborted: false });
  expect(request.responseHeaders['X-Request-ID']).toBe(request.record.requestId);
  expect(nothing.lines).toEqual([]);
  await nothing.shutdown();
});

test('an endpoint alone turns OTLP on; with neither, there are no traces', async () => {
  const off = startQuietly({});
  const on = startQuietly({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  expect([off.signals.traces, on.signals.traces]).toEqual([false, true]);
  await Promise.all([off.shutdown(), on.shutdown()]);
});

test('OTEL_SERVICE_NAME goes before the name in code', async () => {
  const telemetry = startQuietly({ OTEL_SERVICE_NAME: 'checkout' });
  telemetry.log.info('hello');
  expect(telemetry.lines[0]).toMatchObject({ service: 'checkout' });
  await telemetry.shutdown();
});
