import { context, propagation, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import type { DestinationStream, Logger } from 'pino';
import { metricCatalog } from './catalog/metrics.js';
import { createContextManager } from './context/active.js';
import { createEpochClock, monotonic } from './context/clock.js';
import type { StageOptions } from './context/record.js';
import { runStage } from './context/stage.js';
import { createHttpRequests, type HttpRequests } from './http-server/http-requests.js';
import { type CacheObserver, createCacheObserver, createInference, type Inference } from './inference/inference.js';
import { guardProcess, within } from './lifecycle.js';
import { createLogging } from './logging/logger.js';
import type { AnyRegistry } from './metrics/exposition.js';
import { createMetrics, type Metrics } from './metrics/metrics.js';
import { observeOutbound } from './propagation/outbound.js';
import { createPropagator } from './propagation/propagator.js';
import { parseSettings } from './settings.js';
import { createExporter } from './tracing/exporters.js';
import { createHostedTracing, findHostProvider } from './tracing/host.js';
import { createTracing, type Tracing } from './tracing/tracing.js';

export interface ObservabilityOptions {
  /** Name of the service; `OTEL_SERVICE_NAME` goes before it. */
  readonly service?: string;
  /** Version of the service, for traces. */
  readonly version?: string;
  /** Paths of probes and scrapes, logged at debug level only and not traced. Default: /health, /ready, /metrics. */
  readonly quietPaths?: readonly string[];
  /** Where log lines go; standard output when not given. */
  readonly logDestination?: DestinationStream;
  /** prom-client registry to add to; one of its own when not given. */
  readonly registry?: AnyRegistry;
  /** Whether signals and crashes flush telemetry. Default: true. Turn off where the service does it itself. */
  readonly guardProcess?: boolean;
  /** Longest time that a flush may take, in milliseconds. Default: 2000. */
  readonly flushTimeoutMs?: number;
  /** Read instead of `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface Observability {
  readonly service: string;
  /** Which signals are on. */
  readonly signals: { readonly logs: boolean; readonly metrics: boolean; readonly traces: boolean };
  /** pino; each line carries the IDs of the work it is written in. */
  readonly log: Logger;
  readonly metrics: Metrics;
  /** OpenTelemetry tracer; its spans join the trace of the work they are started in. */
  readonly tracer: Tracer;
  readonly http: HttpRequests;
  readonly inference: Inference;
  cache(cacheType: string): CacheObserver;
  /** Times one step of the current work; spans started inside hang below it. */
  stage<Result>(name: string, run: () => Result, options?: Pick<StageOptions, 'attributes'>): Result;
  /** Sends out everything buffered, within the flush bound. */
  flush(): Promise<void>;
  /** Flushes, then stops. */
  shutdown(): Promise<void>;
}

/**
 * Starts logs, metrics and traces for this process.
 *
 * @throws Error when the environment holds a wrong setting; its message says what to change.
 * @example
 * const telemetry = startObservability({ service: 'orders' });
 * app.use(observe(telemetry));
 */
export function startObservability(options: ObservabilityOptions = {}): Observability {
  const settings = parseSettings(options.environment ?? process.env, options.service);
  const clock = createEpochClock();
  const logging = createLogging({
    service: settings.service,
    enabled: settings.logs,
    level: settings.logLevel,
    ...(options.logDestination === undefined ? {} : { destination: options.logDestination }),
  });
  const { log } = logging;
  const metrics = createMetrics({
    enabled: settings.metrics,
    ...(options.registry === undefined ? {} : { registry: options.registry }),
    onOverflow: (metric, label) => log.warn({ metric, label }, 'metric_over_budget'),
  });
  const host = settings.disabled ? undefined : findHostProvider();
  const tracing =
    host === undefined
      ? startTracing({ settings, metrics, log, clock, version: options.version })
      : createHostedTracing(host, clock);
  const leaveGlobals = joinGlobals(tracing, host !== undefined);
  if (host !== undefined) log.info('tracing_joins_the_provider_that_is_registered');
  const stopOutbound = observeOutbound();

  const http = createHttpRequests({
    logging,
    metrics,
    tracing,
    clock,
    quietPaths: new Set(options.quietPaths ?? ['/health', '/ready', '/metrics']),
  });
  const flush = async (): Promise<void> => {
    logging.flush();
    await within(options.flushTimeoutMs ?? 2000, tracing.flush());
    logging.flush();
  };
  const stopGuard =
    options.guardProcess === false
      ? () => {}
      : guardProcess({
          log,
          flush,
          flushLogs: logging.flush,
          fail: (record, error) => {
            if (record.kept !== undefined) return;
            record.error = error;
            if (record.name === '') record.name = 'crashed';
            tracing.finish(record, { endedAt: monotonic(), kind: SpanKind.SERVER, failed: true });
          },
        });

  return {
    service: settings.service,
    signals: { logs: settings.logs, metrics: settings.metrics, traces: tracing.enabled },
    log,
    metrics,
    tracer: tracing.tracer,
    http,
    inference: createInference({ logging, metrics }),
    cache: createCacheObserver(metrics),
    stage: runStage,
    flush,
    async shutdown() {
      stopGuard();
      stopOutbound();
      await within(options.flushTimeoutMs ?? 2000, tracing.shutdown());
      leaveGlobals();
      logging.flush();
    },
  };
}

/** Registers with OpenTelemetry's API what nobody else has; returns the way to take it back. */
function joinGlobals(tracing: Tracing, hosted: boolean): () => void {
  if (hosted) return () => {};
  context.setGlobalContextManager(createContextManager());
  propagation.setGlobalPropagator(createPropagator());
  if (tracing.provider !== undefined) trace.setGlobalTracerProvider(tracing.provider);
  return () => {
    context.disable();
    propagation.disable();
    trace.disable();
  };
}

function startTracing(parts: {
  settings: ReturnType<typeof parseSettings>;
  metrics: Metrics;
  log: Logger;
  clock: ReturnType<typeof createEpochClock>;
  version: string | undefined;
}): Tracing {
  const { settings, metrics, log } = parts;
  const spans = metrics.counter(metricCatalog.spans);
  let failing = false;
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': settings.service,
        ...(parts.version === undefined ? {} : { 'service.version': parts.version }),
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
  return createTracing({
    exporters: settings.traceExporters.map((name) => createExporter(name, settings.otlpProtocol)),
    resource,
    sampling: settings.sampling,
    batch: settings.batch,
    clock: parts.clock,
    onDrop: (count) => spans.add({ outcome: 'dropped' }, count),
    onExport: (outcome, count, error) => {
      spans.add({ outcome }, count);
      if (outcome === 'failed' && !failing) log.warn({ err: error }, 'trace_export_failing');
      if (outcome === 'exported' && failing) log.info('trace_export_recovered');
      failing = outcome === 'failed';
    },
  });
}
