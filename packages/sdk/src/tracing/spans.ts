import {
  type Attributes,
  createTraceState,
  type HrTime,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace';
import { attributeNames } from '../catalog/names.js';
import type { EpochClock } from '../context/clock.js';
import { createSpanId } from '../context/ids.js';
import type { WorkRecord } from '../context/record.js';
import { redactText } from '../redaction/redact.js';

const scope: InstrumentationScope = { name: '@throughline/sdk' };

const toHrTime = (milliseconds: number): HrTime => {
  const seconds = Math.floor(milliseconds / 1e3);
  return [seconds, Math.round((milliseconds - seconds * 1e3) * 1e6)];
};

const textOf = (error: unknown): string => redactText(error instanceof Error ? error.message : String(error));

function exceptionEvent(error: unknown, time: HrTime): TimedEvent {
  const attributes: Attributes = {
    [attributeNames.exceptionType]: error instanceof Error ? error.name : typeof error,
    [attributeNames.exceptionMessage]: textOf(error),
  };
  if (error instanceof Error && error.stack !== undefined) {
    attributes[attributeNames.exceptionStacktrace] = redactText(error.stack);
  }
  return { time, name: 'exception', attributes };
}

interface SpanFacts {
  readonly name: string;
  readonly kind: SpanKind;
  readonly spanId: string;
  readonly parent: { readonly spanId: string; readonly isRemote: boolean } | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Attributes;
  readonly error: unknown;
}

/** Attributes without secrets. */
export const cleanAttributes = (attributes: Attributes): Attributes => {
  const clean: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    clean[name] = typeof value === 'string' ? redactText(value) : value;
  }
  return clean;
};

/** Makes the spans of a finished unit of work, in the form that OpenTelemetry's exporters take: its own span last. */
export function createSpans(
  record: WorkRecord,
  options: { endedAt: number; kind: SpanKind; failed: boolean; clock: EpochClock; resource: Resource },
): ReadableSpan[] {
  const { clock, resource } = options;
  const { traceId, traceState, parentSpanId, spanId } = record.trace;
  const state = traceState === undefined ? {} : { traceState: createTraceState(traceState) };
  const contextOf = (id: string, isRemote = false) => ({
    traceId,
    spanId: id,
    traceFlags: TraceFlags.SAMPLED,
    isRemote,
    ...state,
  });
  const identity: Attributes = {
    [attributeNames.requestId]: record.requestId,
    [attributeNames.correlationId]: record.correlationId,
    ...(record.tenantId === undefined ? {} : { [attributeNames.tenantId]: record.tenantId }),
  };

  const span = (facts: SpanFacts): ReadableSpan => {
    const spanContext = contextOf(facts.spanId);
    const endTime = toHrTime(clock.toEpoch(facts.endedAt));
    const failed = facts.error !== undefined;
    const status: SpanStatus = failed
      ? { code: SpanStatusCode.ERROR, message: textOf(facts.error) }
      : { code: SpanStatusCode.UNSET };
    return {
      name: facts.name,
      kind: facts.kind,
      spanContext: () => spanContext,
      ...(facts.parent === undefined
        ? {}
        : { parentSpanContext: contextOf(facts.parent.spanId, facts.parent.isRemote) }),
      startTime: toHrTime(clock.toEpoch(facts.startedAt)),
      endTime,
      duration: toHrTime(facts.endedAt - facts.startedAt),
      status,
      attributes: { ...identity, ...cleanAttributes(facts.attributes) },
      links: [],
      events: failed ? [exceptionEvent(facts.error, endTime)] : [],
      ended: true,
      resource,
      instrumentationScope: scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  };

  const spans = record.stages.map((stage) =>
    span({
      name: stage.name,
      kind: stage.kind ?? SpanKind.INTERNAL,
      spanId: stage.spanId ?? createSpanId(),
      parent: { spanId: stage.parentSpanId ?? spanId, isRemote: false },
      startedAt: stage.startedAt,
      endedAt: stage.endedAt,
      attributes: stage.attributes ?? {},
      error: stage.error,
    }),
  );
  spans.push(
    span({
      name: record.name,
      kind: options.kind,
      spanId,
      parent: parentSpanId === undefined ? undefined : { spanId: parentSpanId, isRemote: true },
      startedAt: record.startedAt,
      endedAt: options.endedAt,
      attributes: record.attributes,
      error: options.failed ? (record.error ?? new Error('failed')) : undefined,
    }),
  );
  return spans;
}
