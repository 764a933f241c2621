import { acceptId, createRequestId } from '@throughline/sdk';
import { expect, test } from 'vitest';
import { startQuietly } from './support.ts';

test('request IDs are UUIDs of version 4, and no two are alike', () => {
  const ids = Array.from({ length: 20_000 }, createRequestId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

test('an ID from outside is taken only when it is short and plain', () => {
  expect(acceptId('order-42_A.b~c')).toBe('order-42_A.b~c');
  expect(acceptId('a'.repeat(128))).toBe('a'.repeat(128));
  const hostile = [
    '',
    'a'.repeat(129),
    'a b',
    'a\nb',
    'a\r\nSet-Cookie: x=1',
    '<script>',
    '"',
    'ä',
    '%0a',
    '\u0000',
    '{{7*7}}',
    ['a', 'b'],
    7,
    null,
  ];
  for (const value of hostile) expect(acceptId(value)).toBeUndefined();
});

test('the correlation ID is the trace ID when nobody sent one', async () => {
  const telemetry = startQuietly();
  const { record } = telemetry.http.open({ method: 'GET', path: '/', headers: {}, endpoint: () => '/' });
  expect(record.correlationId).toBe(record.trace.traceId);
  const sent = {
    'x-request-id': 'r-1',
    'x-correlation-id': 'c-1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
  const joined = telemetry.http.open({ method: 'GET', path: '/', headers: sent, endpoint: () => '/' }).record;
  expect(joined).toMatchObject({ requestId: 'r-1', correlationId: 'c-1' });
  expect(joined.trace).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    sampled: true,
  });
  await telemetry.shutdown();
});
