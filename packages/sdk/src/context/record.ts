import type { Attributes, Context, SpanKind } from '@opentelemetry/api';

/** Where a unit of work stands in its trace. */
export interface TracePosition {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  /** Decided at the head of the trace; errors and slow work are kept all the same. */
  readonly sampled: boolean;
}

/** One timed step inside a unit of work. Times are monotonic milliseconds. */
export interface Stage {
  readonly name: string;
  /** Given where further spans hang below it, else made with its span. */
  readonly spanId?: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Span that it hangs below; the record's own when not given. */
  readonly parentSpanId?: string;
  /** `SpanKind.INTERNAL` when not given. */
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  readonly error?: unknown;
}

/** A step that is under way. */
export interface RunningStage {
  /** What runs inside it, runs in this context. */
  readonly context: Context;
  end(failure: { readonly error?: unknown }): void;
}

/** Most steps kept of one unit of work; a loop that notes each turn must not fill the memory. */
const MOST_STAGES = 1000;

/** The IDs that follow a unit of work everywhere. */
export interface Identity {
  readonly requestId: string;
  readonly correlationId: string;
  readonly trace: TracePosition;
}

/**
 * What is known of one unit of work, filled on the way and read once at its end, when it becomes a log line,
 * metrics and spans. It holds no request, response or span.
 */
export class WorkRecord implements Identity {
  readonly requestId: string;
  readonly correlationId: string;
  readonly trace: TracePosition;
  readonly startedAt: number;
  readonly stages: Stage[] = [];
  readonly attributes: Attributes = {};
  /** Name of its span; set when known, for HTTP at the end: method and route template. */
  name = '';
  /** Quiet work (probes, scrapes) is logged at debug level, and traced only when it fails. */
  quiet = false;
  tenantId: string | undefined;
  error: unknown;
  /** Whether its trace is kept; unknown until its end. */
  kept: boolean | undefined;
  /** Set where steps must become spans at once, because another library's tracing is in charge. */
  startStage: ((name: string, attributes: Attributes | undefined) => RunningStage) | undefined;
  /** Called at its end, with the exemplar that points to its trace where that is kept. */
  readonly atEnd: ((exemplar: Readonly<Record<string, string>> | undefined) => void)[] = [];

  constructor(identity: Identity, startedAt: number) {
    this.requestId = identity.requestId;
    this.correlationId = identity.correlationId;
    this.trace = identity.trace;
    this.startedAt = startedAt;
  }

  /** Notes a step that has ended. */
  addStage(name: string, startedAt: number, endedAt: number, options: StageOptions = {}): void {
    if (this.stages.length < MOST_STAGES) this.stages.push({ name, startedAt, endedAt, ...options });
  }
}

export type StageOptions = Partial<Omit<Stage, 'name' | 'startedAt' | 'endedAt'>>;
