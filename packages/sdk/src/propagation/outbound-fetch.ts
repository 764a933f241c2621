import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { SpanKind } from '@opentelemetry/api';
import { attributeNames } from '../catalog/names.js';
import { currentRecord, currentSpanId } from '../context/active.js';
import { monotonic } from '../context/clock.js';
import { createSpanId } from '../context/ids.js';
import type { WorkRecord } from '../context/record.js';
import { outgoingHeaders } from './headers.js';

/** The part of undici's request that its channels show. */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  addHeader(name: string, value: string): void;
}

interface Call {
  readonly record: WorkRecord;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startedAt: number;
  status?: number;
}

/**
 * Gives each outbound `fetch` (and undici request) the IDs of the work it is made in, and notes it as a client span.
 * It listens to undici's diagnostics channels, so nothing is patched. Returns the way to stop.
 */
export function observeFetch(): () => void {
  const calls = new WeakMap<object, Call>();

  const created = (message: unknown): void => {
    const { request } = message as { request: UndiciRequest };
    const record = currentRecord();
    if (record === undefined) return;
    if (record.startStage !== undefined) {
      // Another library's tracing is in charge: the trace is its to carry on, the request's IDs are ours.
      const { traceparent, tracestate, ...ids } = outgoingHeaders(record);
      for (const [name, value] of Object.entries(ids)) request.addHeader(name, value);
      return;
    }
    const call: Call = {
      record,
      spanId: createSpanId(),
      parentSpanId: currentSpanId() ?? record.trace.spanId,
      startedAt: monotonic(),
    };
    calls.set(request, call);
    for (const [name, value] of Object.entries(outgoingHeaders(record, call.spanId))) request.addHeader(name, value);
  };
  const answered = (message: unknown): void => {
    const { request, response } = message as { request: UndiciRequest; response: { statusCode: number } };
    const call = calls.get(request);
    if (call !== undefined) call.status = response.statusCode;
  };
  const ended = (message: unknown): void => {
    const { request, error } = message as { request: UndiciRequest; error?: unknown };
    const call = calls.get(request);
    if (call === undefined) return;
    calls.delete(request);
    const { hostname, port, protocol } = new URL(String(request.origin));
    const failed = error !== undefined || (call.status ?? 0) >= 400;
    call.record.addStage(request.method, call.startedAt, monotonic(), {
      spanId: call.spanId,
      parentSpanId: call.parentSpanId,
      kind: SpanKind.CLIENT,
      attributes: {
        [attributeNames.httpRequestMethod]: request.method,
        [attributeNames.serverAddress]: hostname,
        [attributeNames.serverPort]: Number(port) || (protocol === 'https:' ? 443 : 80),
        [attributeNames.urlPath]: request.path.split('?', 1)[0] as string,
        ...(call.status === undefined ? {} : { [attributeNames.httpResponseStatusCode]: call.status }),
      },
      ...(failed ? { error: error ?? new Error(`answered ${call.status}`) } : {}),
    });
  };

  const listeners = [
    ['undici:request:create', created],
    ['undici:request:headers', answered],
    ['undici:request:trailers', ended],
    ['undici:request:error', ended],
  ] as const;
  for (const [channel, listener] of listeners) subscribe(channel, listener);
  return () => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener);
  };
}
