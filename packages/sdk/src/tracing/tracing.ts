import { type SpanKind, type Tracer, trace } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, SamplingDecision, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { recordOf } from '../context/active.js';
import type { EpochClock } from '../context/clock.js';
import { WorkRecord } from '../context/record.js';
import { type IncomingHeaders, identify, type Sample } from '../propagation/headers.js';
import { type OnExport, observed } from './exporters.js';
import { ChildSpans, Outbox } from './outbox.js';
import { createSpans } from './spans.js';

export interface SamplingOptions {
  /** Share of traces kept, 0 to 1; decided by the trace ID, so that all services decide alike. */
  readonly ratio: number;
  /** Whether the caller's decision, where there is one, is followed. */
  readonly parentBased: boolean;
  /** Work that took at least this many milliseconds is kept whatever the head of the trace decided. */
  readonly slowMs: number;
}

export interface BatchOptions {
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
}

export interface TracingOptions {
  /** None switches tracing off: nothing is recorded, IDs are still made. */
  readonly exporters: readonly SpanExporter[];
  readonly resource: Resource;
  readonly sampling: SamplingOptions;
  readonly batch: BatchOptions;
  readonly clock: EpochClock;
  readonly onDrop: (spans: number) => void;
  readonly onExport: OnExport;
}

export interface EndOptions {
  readonly endedAt: number;
  readonly kind: SpanKind;
  readonly failed: boolean;
}

export interface Tracing {
  readonly enabled: boolean;
  readonly tracer: Tracer;
  readonly provider: TracerProvider | undefined;
  /** Opens the record of a request that has come in with these headers. */
  begin(headers: IncomingHeaders, startedAt: number): WorkRecord;
  /** Decides whether a finished record's trace is kept, and if so hands its spans to the exporter. */
  finish(record: WorkRecord, options: EndOptions): boolean;
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Decides by the last 52 bits of the trace ID, which the sender made at random. */
export function createSample({ ratio, parentBased }: SamplingOptions): Sample {
  const bound = ratio * 2 ** 52;
  return (traceId, remoteDecision) =>
    parentBased && remoteDecision !== undefined ? remoteDecision : Number.parseInt(traceId.slice(-13), 16) < bound;
}

/** Traces made from finished records, and from the spans that other libraries start inside them. */
export function createTracing(options: TracingOptions): Tracing {
  const { exporters, resource, sampling, clock } = options;
  const sample = createSample(sampling);
  const begin = (headers: IncomingHeaders, startedAt: number) => new WorkRecord(identify(headers, sample), startedAt);
  if (exporters.length === 0) {
    const nothing = async () => {};
    return {
      enabled: false,
      tracer: trace.getTracer('@throughline/sdk'),
      provider: undefined,
      begin,
      finish: () => false,
      flush: nothing,
      shutdown: nothing,
    };
  }
  const exporter = observed(exporters, (outcome, spans, error) => {
    outbox.settled(spans);
    options.onExport(outcome, spans, error);
  });
  const batch = new BatchSpanProcessor({ exporter, ...options.batch });
  const outbox = new Outbox(batch, options.batch.maxQueueSize, options.onDrop);
  const children = new ChildSpans(outbox, options.onDrop);
  const provider = new TracerProvider({
    resource,
    spanProcessors: [children],
    sampler: {
      shouldSample: (parent, traceId) => {
        const inWork = recordOf(parent) !== undefined;
        const remote = trace.getSpanContext(parent);
        const kept = inWork || sample(traceId, remote === undefined ? undefined : (remote.traceFlags & 1) === 1);
        return { decision: kept ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
      },
      toString: () => `Throughline{${sampling.ratio}}`,
    },
  });
  return {
    enabled: true,
    tracer: provider.getTracer('@throughline/sdk'),
    provider,
    begin,
    finish(record, end) {
      const slow = end.endedAt - record.startedAt >= sampling.slowMs;
      record.kept = end.failed || (!record.quiet && (record.trace.sampled || slow));
      const others = children.take(record);
      if (record.kept) record.kept = outbox.send([...others, ...createSpans(record, { ...end, clock, resource })]);
      return record.kept;
    },
    async flush() {
      await batch.forceFlush();
      await exporter.forceFlush?.();
    },
    shutdown: () => batch.shutdown(),
  };
}
