import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { context, SpanKind } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { attributeNames } from '../catalog/names.js';
import { currentSpanId, recordOf } from '../context/active.js';
import { monotonic } from '../context/clock.js';
import { createSpanId } from '../context/ids.js';
import type { WorkRecord } from '../context/record.js';
import { outgoingHeaders } from './headers.js';

/** The part of undici's request that its channels show. */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  /** Names and values by turns, or (before undici 6) as they go over the wire. */
  readonly headers: readonly unknown[] | string;
  addHeader(name: string, value: string): void;
}

/** The headers of an outbound request, as far as they can still be changed. */
interface OutgoingMessage {
  has(name: string): boolean;
  set(name: string, value: string): void;
}

interface Target {
  readonly method: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

interface Call {
  readonly record: WorkRecord;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startedAt: number;
  status?: number;
}

/** Outbound calls under way, by whatever object stands for one. */
function createCalls() {
  const calls = new WeakMap<object, Call>();
  return {
    /** Begins a call of the current work, and gives it the headers that it should carry. */
    begin(key: object, message: OutgoingMessage | undefined): void {
      const active = context.active();
      const record = recordOf(active);
      // Exporters suppress tracing: what they send is not the work of the request that happened to fill their batch.
      if (record === undefined || isTracingSuppressed(active)) return;
      const hosted = record.startStage !== undefined;
      const spanId = createSpanId();
      for (const [name, value] of Object.entries(outgoingHeaders(record, spanId))) {
        // Where another library's tracing is in charge, the trace is its to carry on; the request's IDs are ours.
        if (hosted && name.startsWith('trace')) continue;
        // What the caller has set by hand stays: a second one would make both unreadable.
        if (message?.has(name) === false) message.set(name, value);
      }
      if (hosted) return;
      calls.set(key, { record, spanId, parentSpanId: currentSpanId() ?? record.trace.spanId, startedAt: monotonic() });
    },
    answered(key: object, status: number): void {
      const call = calls.get(key);
      if (call !== undefined) call.status = status;
    },
    /** Ends a call and notes it as a client span. */
    end(key: object, target: () => Target, error?: unknown): void {
      const call = calls.get(key);
      if (call === undefined) return;
      calls.delete(key);
      const { method, host, port, path } = target();
      const failure = error ?? ((call.status ?? 0) >= 400 ? new Error(`answered ${call.status}`) : undefined);
      call.record.addStage(method, call.startedAt, monotonic(), {
        spanId: call.spanId,
        parentSpanId: call.parentSpanId,
        kind: SpanKind.CLIENT,
        attributes: {
          [attributeNames.httpRequestMethod]: method,
          [attributeNames.serverAddress]: host,
          [attributeNames.serverPort]: port,
          [attributeNames.urlPath]: path.split('?', 1)[0] as string,
          ...(call.status === undefined ? {} : { [attributeNames.httpResponseStatusCode]: call.status }),
        },
        ...(failure === undefined ? {} : { error: failure }),
      });
    },
  };
}

const undiciMessage = (request: UndiciRequest): OutgoingMessage => ({
  has(name) {
    const { headers } = request;
    if (typeof headers === 'string') return headers.toLowerCase().includes(`${name}:`);
    return headers.some((entry, i) => i % 2 === 0 && String(entry).toLowerCase() === name);
  },
  set: (name, value) => request.addHeader(name, value),
});

const undiciTarget =
  ({ method, origin, path }: UndiciRequest) =>
  (): Target => {
    const { hostname, port, protocol } = new URL(String(origin));
    return { method, host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80), path };
  };

const clientMessage = (request: ClientRequest): OutgoingMessage => ({
  has: (name) => request.hasHeader(name),
  set: (name, value) => request.setHeader(name, value),
});

const clientTarget = (request: ClientRequest) => (): Target => ({
  method: request.method,
  host: request.host,
  port: Number(request.socket?.remotePort ?? (request.protocol === 'https:' ? 443 : 80)),
  path: request.path,
});

/**
 * Gives outbound calls the IDs of the work they are made in, and notes each as a client span. It listens to the
 * diagnostics channels of undici (and so of `fetch`) and of node:http, so nothing is patched. Node.js tells of a
 * node:http request before its headers are sent from 22.12 on; before, it becomes a span but carries nothing by itself.
 * Returns the way to stop.
 */
export function observeOutbound(): () => void {
  const calls = createCalls();
  type Undici = { request: UndiciRequest; response: { statusCode: number }; error?: unknown };
  type Client = { request: ClientRequest; response: IncomingMessage; error?: unknown };
  const undici = (listen: (message: Undici) => void) => (message: unknown) => listen(message as Undici);
  const client = (listen: (message: Client) => void) => (message: unknown) => listen(message as Client);
  const known = new WeakSet<object>();
  const beginClient = (request: ClientRequest, canSet: boolean): void => {
    if (known.has(request)) return;
    known.add(request);
    calls.begin(request, canSet && !request.headersSent ? clientMessage(request) : undefined);
  };

  const listeners = [
    ['undici:request:create', undici(({ request }) => calls.begin(request, undiciMessage(request)))],
    ['undici:request:headers', undici(({ request, response }) => calls.answered(request, response.statusCode))],
    ['undici:request:trailers', undici(({ request }) => calls.end(request, undiciTarget(request)))],
    ['undici:request:error', undici(({ request, error }) => calls.end(request, undiciTarget(request), error))],
    ['http.client.request.created', client(({ request }) => beginClient(request, true))],
    ['http.client.request.start', client(({ request }) => beginClient(request, false))],
    [
      'http.client.response.finish',
      client(({ request, response }) => {
        calls.answered(request, response.statusCode ?? 0);
        calls.end(request, clientTarget(request));
      }),
    ],
    ['http.client.request.error', client(({ request, error }) => calls.end(request, clientTarget(request), error))],
  ] as const;
  for (const [channel, listener] of listeners) subscribe(channel, listener);
  return () => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener);
  };
}
