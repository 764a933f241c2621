import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import { currentRecord, detached, type Observability } from '@throughline/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Line, openRequest, startQuietly } from './support.ts';

let telemetry: Observability & { readonly lines: Line[] };
beforeAll(() => {
  telemetry = startQuietly();
});
afterAll(() => telemetry.shutdown());

test('the request is current through promises, timers, ticks and emitters made in it, and nowhere else', async () => {
  const request = openRequest(telemetry, { 'x-request-id': 'here' });
  const seen = await request.run(async () => {
    const emitter = new EventEmitter();
    const heard = once(emitter, 'ping').then(() => currentRecord()?.requestId);
    await delay(1);
    setImmediate(() => emitter.emit('ping'));
    return [
      currentRecord()?.requestId,
      await heard,
      await new Promise((resolve) => process.nextTick(() => resolve(currentRecord()?.requestId))),
      await new Promise((resolve) => setTimeout(() => resolve(currentRecord()?.requestId), 1)),
      await Promise.all([delay(1), delay(2)]).then(() => currentRecord()?.requestId),
    ];
  });
  expect(seen).toEqual(['here', 'here', 'here', 'here', 'here']);
  expect(currentRecord()).toBeUndefined();
});

test('requests side by side do not see each other', async () => {
  const ids = Array.from({ length: 200 }, (_, i) => `r-${i}`);
  const seen = await Promise.all(
    ids.map((id, i) =>
      openRequest(telemetry, { 'x-request-id': id }).run(() => delay(i % 7).then(() => currentRecord()?.requestId)),
    ),
  );
  expect(seen).toEqual(ids);
});

test('a long-lived timer started in detached code does not hold on to the request', async () => {
  const request = openRequest(telemetry);
  const seen = await request.run(() => detached(() => delay(1).then(() => currentRecord())));
  expect(seen).toBeUndefined();
});

test('a request inside a request is its own', () => {
  const outer = openRequest(telemetry, { 'x-request-id': 'outer' });
  const inner = openRequest(telemetry, { 'x-request-id': 'inner' });
  const seen = outer.run(() => [inner.run(() => currentRecord()?.requestId), currentRecord()?.requestId]);
  expect(seen).toEqual(['inner', 'outer']);
});

test('values that other libraries put into the OpenTelemetry context keep the request', () => {
  const key = Symbol('theirs');
  const request = openRequest(telemetry, { 'x-request-id': 'mine' });
  const seen = request.run(() =>
    context.with(context.active().setValue(key, 7), () => [context.active().getValue(key), currentRecord()?.requestId]),
  );
  expect(seen).toEqual([7, 'mine']);
});

test('OpenTelemetry sees the request as the active span', () => {
  const request = openRequest(telemetry);
  const { traceId, spanId } = request.record.trace;
  expect(request.run(() => trace.getActiveSpan()?.spanContext())).toMatchObject({ traceId, spanId });
});

test('log lines carry the IDs of the request they are written in', () => {
  const request = openRequest(telemetry, { 'x-request-id': 'logged' });
  request.record.tenantId = 'acme';
  request.run(() => telemetry.log.info('inside'));
  telemetry.log.info('outside');
  const { traceId, spanId } = request.record.trace;
  const inside = telemetry.lines.find(({ message }) => message === 'inside');
  expect(inside).toMatchObject({
    level: 'info',
    service: 'test',
    request_id: 'logged',
    correlation_id: traceId,
    trace_id: traceId,
    span_id: spanId,
    tenant_id: 'acme',
  });
  expect(inside?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(telemetry.lines.find(({ message }) => message === 'outside')).not.toHaveProperty('request_id');
});
