import { spawnSync } from 'node:child_process';
import { metricCatalog } from '@throughline/sdk';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { find } from '../../../tests/support/servers.ts';
import { prefersOpenMetrics } from '../src/metrics/exposition.ts';
import { openRequest, startQuietly } from './support.ts';

const OPEN = 'application/openmetrics-text; version=1.0.0';

test('a metric over its budget folds new label sets together, and names the label to blame once', async () => {
  const telemetry = startQuietly();
  const definition = {
    name: 'visits_total',
    type: 'counter',
    help: 'Visits.',
    labels: ['page', 'kind'],
    budget: 3,
  } as const;
  const visits = telemetry.metrics.counter(definition);
  for (let i = 0; i < 1000; i++) visits.add({ page: `/p/${i}`, kind: 'human' });
  const { text } = await telemetry.metrics.text();
  expect(text.match(/^visits_total\{/gm)).toHaveLength(4);
  expect(text).toContain('visits_total{page="__overflow__",kind="__overflow__"} 997');
  expect(text).toContain('telemetry_label_overflow_total{metric="visits_total",label="page"} 997');
  expect(telemetry.lines.filter(({ message }) => message === 'metric_over_budget')).toMatchObject([
    { metric: 'visits_total', label: 'page' },
  ]);
  await telemetry.shutdown();
});

test('paths of scanners make no series', async () => {
  const telemetry = startQuietly();
  for (let i = 0; i < 500; i++) {
    telemetry.http
      .open({ method: 'GET', path: `/wp-${i}.php`, headers: {}, endpoint: () => undefined })
      .close({ status: 404, aborted: false });
  }
  telemetry.http
    .open({ method: 'BREW', path: '/', headers: {}, endpoint: () => undefined })
    .close({ status: 400, aborted: false });
  const { text } = await telemetry.metrics.text();
  expect(text.match(/^http_requests_total\{/gm)).toHaveLength(2);
  expect(text).toContain('http_requests_total{method="GET",endpoint="<unmatched>",status="4xx"} 500');
  expect(text).toContain('http_requests_total{method="_OTHER",endpoint="<unmatched>",status="4xx"} 1');
  await telemetry.shutdown();
});

test('the format follows the Accept header, and neither format spoils the other', async () => {
  const telemetry = startQuietly({ OTEL_TRACES_EXPORTER: 'console' });
  const request = openRequest(telemetry, { 'x-request-id': 'pointed-at' });
  request.close({ status: 200, aborted: false });
  const { traceId } = request.record.trace;
  const open = await telemetry.metrics.text(OPEN);
  const plain = await telemetry.metrics.text('text/plain');
  expect(open.contentType).toMatch(/^application\/openmetrics-text/);
  expect(open.text).toContain('# TYPE http_requests counter\nhttp_requests_total{');
  expect(open.text).toMatch(new RegExp(`# \\{trace_id="${traceId}",request_id="pointed-at"\\} [\\d.e-]+ [\\d.]+\\n`));
  expect(open.text.endsWith('# EOF\n')).toBe(true);
  expect(plain.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(plain.text).toContain('# TYPE http_requests_total counter\nhttp_requests_total{');
  expect(plain.text).not.toContain('trace_id');
  await telemetry.shutdown();
});

test('the Accept header is read with its weights', () => {
  expect(
    prefersOpenMetrics('application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1'),
  ).toBe(true);
  expect(prefersOpenMetrics('application/openmetrics-text;q=0,text/plain')).toBe(false);
  expect(prefersOpenMetrics('text/plain')).toBe(false);
  expect(prefersOpenMetrics(undefined)).toBe(false);
});

test('an exemplar never points to a trace that was not kept', async () => {
  const telemetry = startQuietly({ OTEL_TRACES_EXPORTER: 'console', OTEL_TRACES_SAMPLER: 'always_off' });
  openRequest(telemetry).close({ status: 200, aborted: false });
  expect((await telemetry.metrics.text(OPEN)).text).not.toContain('trace_id');
  openRequest(telemetry).close({ status: 500, aborted: false });
  expect((await telemetry.metrics.text(OPEN)).text).toContain('trace_id');
  await telemetry.shutdown();
});

test('a request ID too long for an exemplar is left out of it, whole', async () => {
  const telemetry = startQuietly({ OTEL_TRACES_EXPORTER: 'console' });
  const request = openRequest(telemetry, { 'x-request-id': 'x'.repeat(128) });
  request.close({ status: 200, aborted: false });
  const { text } = await telemetry.metrics.text(OPEN);
  expect(text).toContain(`# {trace_id="${request.record.trace.traceId}"} `);
  expect(text).not.toContain('xxxx');
  await telemetry.shutdown();
});

test('requests in progress are counted by the route that has matched', async () => {
  const telemetry = startQuietly();
  const open = [openRequest(telemetry), openRequest(telemetry), openRequest(telemetry, {}, '/slow')];
  expect((await telemetry.metrics.text()).text).toContain(
    'http_requests_in_progress{method="GET",endpoint="/orders"} 2',
  );
  for (const request of open) request.close({ status: 200, aborted: false });
  for (const request of open) request.close({ status: 200, aborted: false });
  const { text } = await telemetry.metrics.text();
  expect(text).not.toMatch(/^http_requests_in_progress\{/m);
  expect(text).toContain('http_requests_total{method="GET",endpoint="/orders",status="2xx"} 2');
  await telemetry.shutdown();
});

test('a cache tells its hits, misses and timings', async () => {
  const telemetry = startQuietly();
  const cache = telemetry.cache('memory');
  cache.hit();
  cache.miss();
  expect(await cache.time('get', async () => 7)).toBe(7);
  await expect(cache.time('set', () => Promise.reject(new Error('full')))).rejects.toThrow('full');
  const { text } = await telemetry.metrics.text();
  expect(text).toContain('cache_hits_total{cache_type="memory"} 1');
  expect(text).toContain('cache_misses_total{cache_type="memory"} 1');
  expect(text).toContain('cache_operations_duration_seconds_count{cache_type="memory",operation="set"} 1');
  await telemetry.shutdown();
});

test('metrics can join a registry that is there already', async () => {
  const registry = new Registry();
  const telemetry = startQuietly({}, { registry });
  openRequest(telemetry).close({ status: 200, aborted: false });
  expect(await registry.metrics()).toContain('http_requests_total{method="GET",endpoint="/orders",status="2xx"} 1');
  await telemetry.shutdown();
});

test('names end in their unit, budgets are small', () => {
  for (const { name, type, budget } of Object.values(metricCatalog)) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    if (type === 'counter') expect(name).toMatch(/_total$/);
    if (name.includes('duration')) expect(name).toMatch(/_seconds$/);
    expect(budget).toBeLessThanOrEqual(100);
  }
});

const promtool = find('promtool');
test.skipIf(promtool === undefined)('promtool finds nothing to say', async () => {
  const telemetry = startQuietly();
  openRequest(telemetry).close({ status: 200, aborted: false });
  const { text } = await telemetry.metrics.text();
  const { status, stdout, stderr } = spawnSync(promtool as string, ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  expect(`${stdout}${stderr}`).toBe('');
  expect(status).toBe(0);
  await telemetry.shutdown();
});
