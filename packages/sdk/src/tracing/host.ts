import {
  type Attributes,
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { attributeNames } from '../catalog/names.js';
import type { EpochClock } from '../context/clock.js';
import { type Identity, type RunningStage, WorkRecord } from '../context/record.js';
import { type IncomingHeaders, identify } from '../propagation/headers.js';
import { redactText } from '../redaction/redact.js';
import { cleanAttributes } from './spans.js';
import type { EndOptions, Tracing } from './tracing.js';

/** The tracer provider that somebody else has registered before us, if any. */
export function findHostProvider(): TracerProvider | undefined {
  const provider = trace.getTracerProvider();
  const delegate = 'getDelegate' in provider ? (provider as ProxyTracerProvider).getDelegate() : provider;
  return delegate === new ProxyTracerProvider().getDelegate() ? undefined : delegate;
}

interface Hosted {
  readonly span: Span;
  /** We started it, so we end it. */
  readonly own: boolean;
}

const messageOf = (error: unknown): string => redactText(error instanceof Error ? error.message : String(error));

function fail(span: Span, error: unknown, time?: number): void {
  const message = messageOf(error);
  span.recordException({ name: error instanceof Error ? error.name : typeof error, message }, time);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/**
 * Tracing on a provider that was there first: its server span is ours, with its IDs; where it starts none, we start one
 * by it. Sampling, processors and exporters stay its own.
 */
export function createHostedTracing(provider: TracerProvider, clock: EpochClock): Tracing {
  const tracer = provider.getTracer('@throughline/sdk');
  const hosted = new WeakMap<WorkRecord, Hosted>();

  const serverSpan = (headers: IncomingHeaders, startedAt: number): Hosted => {
    // Behind an HTTP instrumentation the active span may be one of a middleware; the server span stands beside it.
    const active = getRPCMetadata(context.active())?.span ?? trace.getActiveSpan();
    if (active !== undefined && isSpanContextValid(active.spanContext())) return { span: active, own: false };
    const parent = propagation.extract(ROOT_CONTEXT, headers);
    const startTime = clock.toEpoch(startedAt);
    return { span: tracer.startSpan('HTTP', { kind: SpanKind.SERVER, startTime }, parent), own: true };
  };

  const startStage = (name: string, attributes: Attributes | undefined): RunningStage => {
    const span = tracer.startSpan(name, attributes === undefined ? {} : { attributes: cleanAttributes(attributes) });
    return {
      context: trace.setSpan(context.active(), span),
      end(failure) {
        if ('error' in failure) fail(span, failure.error);
        span.end();
      },
    };
  };

  const addStages = (record: WorkRecord, root: Span): void => {
    const made = new Map<string | undefined, Span>();
    for (const stage of record.stages.toSorted((a, b) => a.startedAt - b.startedAt)) {
      const parent = made.get(stage.parentSpanId) ?? root;
      const startTime = clock.toEpoch(stage.startedAt);
      const endTime = clock.toEpoch(stage.endedAt);
      const kind = stage.kind ?? SpanKind.INTERNAL;
      const attributes = cleanAttributes(stage.attributes ?? {});
      const span = tracer.startSpan(stage.name, { startTime, kind, attributes }, trace.setSpan(ROOT_CONTEXT, parent));
      if (stage.error !== undefined) fail(span, stage.error, endTime);
      span.end(endTime);
      if (stage.spanId !== undefined) made.set(stage.spanId, span);
    }
  };

  return {
    enabled: true,
    provider: undefined,
    tracer,
    begin(headers, startedAt) {
      const { requestId, correlationId, trace: made } = identify(headers, () => false);
      const host = serverSpan(headers, startedAt);
      const { traceId, spanId, traceFlags } = host.span.spanContext();
      const identity: Identity = {
        requestId,
        correlationId: correlationId === made.traceId ? traceId : correlationId,
        trace: { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 },
      };
      // At once: an HTTP instrumentation may end its span before the response tells us that it is over.
      host.span.setAttributes({
        [attributeNames.requestId]: requestId,
        [attributeNames.correlationId]: identity.correlationId,
      });
      const record = new WorkRecord(identity, startedAt);
      record.startStage = startStage;
      hosted.set(record, host);
      return record;
    },
    finish(record: WorkRecord, end: EndOptions) {
      const host = hosted.get(record);
      record.kept = record.trace.sampled;
      if (host === undefined) return record.kept;
      addStages(record, host.span);
      if (record.tenantId !== undefined) host.span.setAttribute(attributeNames.tenantId, record.tenantId);
      host.span.setAttributes(cleanAttributes(record.attributes));
      if (end.failed) fail(host.span, record.error ?? new Error('failed'));
      if (host.own) host.span.updateName(record.name).end(clock.toEpoch(end.endedAt));
      return record.kept;
    },
    flush: async () => {
      const { forceFlush } = provider as { forceFlush?: () => Promise<void> };
      await forceFlush?.call(provider);
    },
    // It is not ours to shut down.
    shutdown: async () => {},
  };
}
