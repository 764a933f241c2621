import { expect, test } from 'vitest';
import { formatTraceparent, parseTraceparent, parseTracestate } from '../src/propagation/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('a valid traceparent is taken', () => {
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, parentSpanId: SPAN, sampled: true });
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled).toBe(false);
  // Later versions may add fields and flags.
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes-next`)?.traceId).toBe(TRACE);
  expect(parseTraceparent(formatTraceparent(TRACE, SPAN, true))?.sampled).toBe(true);
});

test.each([
  ['missing', undefined],
  ['empty', ''],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['version 00 with more', `00-${TRACE}-${SPAN}-01-more`],
  ['later version glued on', `cc-${TRACE}-${SPAN}-01.more`],
  ['short', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a list', `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
])('a wrong traceparent begins a new trace: %s', (_, header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

test('tracestate is passed on when every member is right', () => {
  expect(parseTracestate('foo=1,bar=2')).toBe('foo=1,bar=2');
  expect(parseTracestate('foo=1 \t,\t bar=2, ,')).toBe('foo=1,bar=2');
  expect(parseTracestate('fw529a3039@dt=FfAAAA')).toBe('fw529a3039@dt=FfAAAA');
  const full = Array.from({ length: 32 }, (_, i) => `k${i}=v`).join(',');
  expect(parseTracestate(full)).toBe(full);
});

test.each([
  ['empty', ''],
  ['duplicate key', 'foo=1,foo=2'],
  ['33 members', Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(',')],
  ['upper case key', 'Foo=1'],
  ['key with a blank', 'foo =1'],
  ['no value', 'foo='],
  ['two equal signs', 'foo=bar=baz'],
  ['key of 257', `${'z'.repeat(257)}=1`],
  ['tenant of 242', `${'t'.repeat(242)}@v=1`],
  ['vendor of 15', `t@${'v'.repeat(15)}=1`],
  ['vendor missing', 't@=1'],
  ['line break', 'foo=1\nbar=2'],
])('a wrong tracestate is dropped: %s', (_, header) => {
  expect(parseTracestate(header)).toBeUndefined();
});
