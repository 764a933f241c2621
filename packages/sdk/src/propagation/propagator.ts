import {
  type Context,
  createTraceState,
  isSpanContextValid,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { recordOf } from '../context/active.js';
import { outgoingHeaders } from './headers.js';
import { formatTraceparent, parseTraceparent, parseTracestate } from './trace-context.js';

/** Propagation for instrumentation that is not ours: W3C Trace Context, and the request's IDs beside it. */
export function createPropagator(): TextMapPropagator {
  return {
    inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
      const span = trace.getSpanContext(context);
      if (span === undefined || !isSpanContextValid(span)) return;
      const record = recordOf(context);
      if (record === undefined) {
        const sampled = (span.traceFlags & TraceFlags.SAMPLED) !== 0;
        setter.set(carrier, 'traceparent', formatTraceparent(span.traceId, span.spanId, sampled));
        const state = span.traceState?.serialize();
        if (state) setter.set(carrier, 'tracestate', state);
        return;
      }
      for (const [name, value] of Object.entries(outgoingHeaders(record, span.spanId)))
        setter.set(carrier, name, value);
    },
    extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
      const header = getter.get(carrier, 'traceparent');
      const remote = parseTraceparent(Array.isArray(header) ? header[0] : header);
      if (remote === undefined) return context;
      const stateHeader = getter.get(carrier, 'tracestate');
      const state = parseTracestate(Array.isArray(stateHeader) ? stateHeader.join(',') : stateHeader);
      return trace.setSpanContext(context, {
        traceId: remote.traceId,
        spanId: remote.parentSpanId,
        traceFlags: remote.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote: true,
        ...(state === undefined ? {} : { traceState: createTraceState(state) }),
      });
    },
    fields: () => ['traceparent', 'tracestate', 'x-request-id', 'x-correlation-id'],
  };
}
