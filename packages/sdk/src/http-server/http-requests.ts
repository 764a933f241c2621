import { SpanKind } from '@opentelemetry/api';
import { metricCatalog } from '../catalog/metrics.js';
import { headerNames, unmatchedEndpoint } from '../catalog/names.js';
import { runWith } from '../context/active.js';
import { type EpochClock, monotonic } from '../context/clock.js';
import type { WorkRecord } from '../context/record.js';
import type { Logging } from '../logging/logger.js';
import type { ExemplarLabels } from '../metrics/families.js';
import type { Metrics } from '../metrics/metrics.js';
import { formatTraceparent } from '../propagation/trace-context.js';
import type { Tracing } from '../tracing/tracing.js';
import {
  createRequestLines,
  describeRequest,
  type IncomingRequest,
  methodLabel,
  type Outcome,
  outcomeKind,
} from './request-facts.js';

export interface HttpRequest {
  readonly record: WorkRecord;
  /** Headers for the response, by name. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  run<Result>(handler: () => Result): Result;
  /** Ends the request: one pass that feeds metrics, log line and spans. Further calls do nothing. */
  close(outcome: Outcome): void;
}

export interface HttpRequests {
  open(incoming: IncomingRequest): HttpRequest;
  /** Requests being answered at this moment. */
  readonly inProgress: number;
}

export interface HttpRequestsOptions {
  readonly logging: Logging;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly clock: EpochClock;
  /** Paths of probes and scrapes: logged at debug level, traced only when they fail. */
  readonly quietPaths: ReadonlySet<string>;
}

const EXEMPLAR_ROOM = 128;

/** The exemplar of a kept trace. A request ID too long for it is left out, since half an ID would find nothing. */
function exemplarOf(record: WorkRecord): ExemplarLabels {
  const { traceId } = record.trace;
  const used = 'trace_id'.length + traceId.length + 'request_id'.length + record.requestId.length;
  return used <= EXEMPLAR_ROOM ? { trace_id: traceId, request_id: record.requestId } : { trace_id: traceId };
}

const statusClass = (outcome: Outcome): string =>
  outcome.aborted ? 'aborted' : `${Math.floor(outcome.status / 100)}xx`;

/** Follows HTTP requests from the door to the end of their response. */
export function createHttpRequests(options: HttpRequestsOptions): HttpRequests {
  const { logging, metrics, tracing, clock } = options;
  const lines = createRequestLines(logging);
  const total = metrics.counter(metricCatalog.httpRequests);
  const duration = metrics.histogram(metricCatalog.httpRequestDuration);
  const open = new Set<IncomingRequest>();
  metrics.gauge(metricCatalog.httpRequestsInProgress, (gauge) => {
    const counts = new Map<string, { method: string; endpoint: string; count: number }>();
    for (const incoming of open) {
      const method = methodLabel(incoming.method);
      const endpoint = incoming.endpoint() ?? unmatchedEndpoint;
      const key = `${method} ${endpoint}`;
      const entry = counts.get(key) ?? { method, endpoint, count: 0 };
      entry.count++;
      counts.set(key, entry);
    }
    for (const { method, endpoint, count } of counts.values()) gauge.set({ method, endpoint }, count);
  });

  const close = (incoming: IncomingRequest, record: WorkRecord, outcome: Outcome): void => {
    open.delete(incoming);
    const endedAt = monotonic();
    const durationMs = endedAt - record.startedAt;
    const endpoint = incoming.endpoint() ?? unmatchedEndpoint;
    const method = methodLabel(incoming.method);
    const kind = outcomeKind(outcome);
    record.name = `${method === '_OTHER' ? 'HTTP' : method}${endpoint === unmatchedEndpoint ? '' : ` ${endpoint}`}`;
    if (tracing.enabled) describeRequest(incoming, record, outcome, endpoint);
    const kept = tracing.finish(record, { endedAt, kind: SpanKind.SERVER, failed: kind === 'failed' });
    const exemplar = kept ? exemplarOf(record) : undefined;
    const labels = { method, endpoint, status: statusClass(outcome) };
    total.add(labels);
    duration.observe(labels, durationMs / 1e3, exemplar);
    for (const observe of record.atEnd) observe(exemplar);
    lines.completed(incoming, record, { ...outcome, kind, endpoint, durationMs });
  };

  return {
    get inProgress() {
      return open.size;
    },
    open(incoming) {
      const startedAt = monotonic();
      clock.follow(startedAt);
      const record = tracing.begin(incoming.headers, startedAt);
      record.quiet = options.quietPaths.has(incoming.path);
      open.add(incoming);
      lines.received(incoming, record);
      const { traceId, spanId, sampled } = record.trace;
      return {
        record,
        responseHeaders: {
          [headerNames.requestId]: record.requestId,
          [headerNames.correlationId]: record.correlationId,
          [headerNames.serverTiming]: `trace;desc="${formatTraceparent(traceId, spanId, sampled)}"`,
        },
        run: (handler) => runWith(record, handler),
        close: (outcome) => {
          if (!open.has(incoming)) return;
          try {
            close(incoming, record, outcome);
          } catch (error) {
            // Observation must not break what it observes.
            logging.log.error({ err: error }, 'telemetry_failed');
          }
        },
      };
    },
  };
}
