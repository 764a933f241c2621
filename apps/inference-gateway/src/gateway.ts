import { CodedError, metricCatalog, type Observability, taskContextOf } from '@throughline/sdk';
import type { Config } from './config.js';
import { createApp } from './http/app.js';
import { startHttpServer } from './http/server.js';
import { loadModel } from './models/manifest.js';
import { createPipeline } from './stages/pipeline.js';
import { type PoolEvent, startWorkerPool, type WorkerPool } from './workers/pool.js';

export interface Gateway {
  /** Where it listens, `http://host:port`. */
  readonly url: string;
  /** Resolves when the model has answered its warm-up. */
  readonly ready: Promise<void>;
  /** Stops accepting, answers what is under way, ends the workers. The telemetry stays the caller's. */
  shutdown(): Promise<void>;
}

const NO_WORKERS = { idle: 0, busy: 0 };

/** Starts the gateway: it listens at once, and is ready when the model is. */
export async function startGateway(
  config: Config,
  telemetry: Observability,
  options: { readonly workerEntry?: URL } = {},
): Promise<Gateway> {
  const model = await loadModel(config.MODEL_DIR);
  const { id, version, labels } = model.manifest;
  let stopping = false;
  let pool: WorkerPool | undefined;

  const notReady = (): string | undefined => {
    if (stopping) return 'The service is stopping.';
    const { idle, busy } = pool?.state() ?? NO_WORKERS;
    return idle + busy > 0 ? undefined : `The model ${id} is not loaded yet.`;
  };
  const pipeline = createPipeline({
    model: { id, version, labels },
    maxTextLength: config.MAX_TEXT_LENGTH,
    inference: telemetry.inference,
    classify: async (texts, { record, signal }) => {
      const missing = stopping ? undefined : notReady();
      if (pool === undefined || missing !== undefined) {
        throw new CodedError('not_ready', missing, { retryAfterSeconds: 1 });
      }
      return pool.run(texts, { context: taskContextOf(record), signal });
    },
  });
  const app = createApp({ telemetry, pipeline, maxBodyBytes: config.MAX_BODY_BYTES, notReady });
  // Before the workers: an address that cannot be had must end the process while none of them is inside the model.
  const server = await startHttpServer(app, { host: config.HOST, port: config.PORT, telemetry });
  telemetry.log.info({ url: server.url, model: id, version, workers: config.WORKERS }, 'gateway_listening');

  let markReady = () => {};
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });
  const workers = startWorkerPool({
    entry: options.workerEntry ?? new URL('./workers/entry.js', import.meta.url),
    workerData: { model, threads: config.THREADS_PER_WORKER },
    size: config.WORKERS,
    maxQueue: config.MAX_QUEUE,
    taskTimeoutMs: config.REQUEST_TIMEOUT_MS,
    onEvent: followPool(telemetry, id, () => markReady()),
  });
  pool = workers;
  gaugePool(telemetry, workers);

  return {
    url: server.url,
    ready,
    async shutdown() {
      stopping = true;
      await server.drain(config.SHUTDOWN_GRACE_MS);
      await workers.shutdown();
    },
  };
}

/** Turns what happens in the pool into log lines and metrics. */
function followPool(telemetry: Observability, model: string, onReady: () => void): (event: PoolEvent) => void {
  const { log, metrics } = telemetry;
  const restarts = metrics.counter(metricCatalog.inferenceWorkerRestarts);
  const memory = metrics.gauge(metricCatalog.modelMemory);
  // Workers load side by side in one process: what they took together lies between the extremes.
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  return (event) => {
    const { workerId } = event;
    switch (event.type) {
      case 'worker_ready': {
        const { executionProvider } = event;
        least = Math.min(least, event.memory.before);
        most = Math.max(most, event.memory.after);
        memory.set({ model }, Math.max(0, most - least));
        log.info({ worker_id: workerId, execution_provider: executionProvider }, 'inference_worker_ready');
        return onReady();
      }
      case 'worker_crashed':
        restarts.add({});
        log.error(
          { worker_id: workerId, failed_tasks: event.failedTasks, err: event.error },
          'inference_worker_crashed',
        );
        return;
      case 'task_failed': {
        const { requestId, correlationId, traceId, spanId } = event.context;
        log.error(
          {
            worker_id: workerId,
            request_id: requestId,
            correlation_id: correlationId,
            trace_id: traceId,
            span_id: spanId,
            err: event.error,
          },
          'inference_failed',
        );
        return;
      }
      default:
        return event satisfies never;
    }
  };
}

function gaugePool(telemetry: Observability, pool: WorkerPool): void {
  telemetry.metrics.gauge(metricCatalog.inferenceQueueSize, (gauge) => gauge.set({}, pool.state().queued));
  telemetry.metrics.gauge(metricCatalog.inferenceWorkers, (gauge) => {
    const { starting, idle, busy } = pool.state();
    gauge.set({ state: 'starting' }, starting);
    gauge.set({ state: 'idle' }, idle);
    gauge.set({ state: 'busy' }, busy);
  });
}
