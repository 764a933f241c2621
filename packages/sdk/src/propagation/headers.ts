import { headerNames } from '../catalog/names.js';
import { acceptId, createRequestId, createSpanId, createTraceId } from '../context/ids.js';
import type { Identity, TracePosition, WorkRecord } from '../context/record.js';
import { formatTraceparent, parseTraceparent, parseTracestate } from './trace-context.js';

/** Header values by lower-case name, as `node:http` gives them. */
export type IncomingHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Decides whether a new trace is sampled. */
export type Sample = (traceId: string, remoteDecision: boolean | undefined) => boolean;

const single = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.length === 1 ? value[0] : undefined;
const joined = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.join(',');

/** Takes the IDs of a request from its headers where they are valid, and makes the rest. */
export function identify(headers: IncomingHeaders, sample: Sample): Identity {
  const remote = parseTraceparent(single(headers[headerNames.traceparent]));
  const traceId = remote?.traceId ?? createTraceId();
  const traceState = remote === undefined ? undefined : parseTracestate(joined(headers[headerNames.tracestate]));
  const trace: TracePosition = {
    traceId,
    spanId: createSpanId(),
    sampled: sample(traceId, remote?.sampled),
    ...(remote === undefined ? {} : { parentSpanId: remote.parentSpanId }),
    ...(traceState === undefined ? {} : { traceState }),
  };
  return {
    requestId: acceptId(headers['x-request-id']) ?? createRequestId(),
    correlationId: acceptId(headers['x-correlation-id']) ?? traceId,
    trace,
  };
}

/** The headers that carry a record to the next service, message or job. */
export function outgoingHeaders(record: WorkRecord, spanId: string = record.trace.spanId): Record<string, string> {
  const headers: Record<string, string> = {
    'x-request-id': record.requestId,
    'x-correlation-id': record.correlationId,
    traceparent: formatTraceparent(record.trace.traceId, spanId, record.trace.sampled),
  };
  if (record.trace.traceState !== undefined) headers.tracestate = record.trace.traceState;
  return headers;
}
