/** A metric's name, meaning and bounds. Durations are in seconds, sizes in bytes. */
export interface MetricDefinition<Label extends string = string> {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly Label[];
  /** Upper bounds of the buckets, for histograms. */
  readonly buckets?: readonly number[];
  /** Most label sets kept apart; further ones are counted together in one overflow series. */
  readonly budget: number;
}

/** Exact bounds at 0.2 and 0.3 s: the latency objectives count requests above them. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10];
const inferenceBuckets = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1];
const cacheBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
/** An exact bound at 0.8: the confidence objective counts predictions below it. */
const confidenceBuckets = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

const define = <const Label extends string>(definition: MetricDefinition<Label>): MetricDefinition<Label> =>
  Object.freeze(definition);

export const metricCatalog = Object.freeze({
  httpRequests: define({
    name: 'http_requests_total',
    type: 'counter',
    help: 'HTTP requests answered, by method, route template and status class (or "aborted" when the client left).',
    labels: ['method', 'endpoint', 'status'],
    budget: 60,
  }),
  httpRequestDuration: define({
    name: 'http_request_duration_seconds',
    type: 'histogram',
    help: 'Seconds from the first look at a request to the end of its response.',
    labels: ['method', 'endpoint', 'status'],
    buckets: requestBuckets,
    budget: 20,
  }),
  httpRequestsInProgress: define({
    name: 'http_requests_in_progress',
    type: 'gauge',
    help: 'HTTP requests being answered at this moment.',
    labels: ['method', 'endpoint'],
    budget: 20,
  }),
  cacheHits: define({
    name: 'cache_hits_total',
    type: 'counter',
    help: 'Look-ups that a cache could answer.',
    labels: ['cache_type'],
    budget: 5,
  }),
  cacheMisses: define({
    name: 'cache_misses_total',
    type: 'counter',
    help: 'Look-ups that a cache could not answer.',
    labels: ['cache_type'],
    budget: 5,
  }),
  cacheOperationDuration: define({
    name: 'cache_operations_duration_seconds',
    type: 'histogram',
    help: 'Seconds that a cache operation took.',
    labels: ['cache_type', 'operation'],
    buckets: cacheBuckets,
    budget: 10,
  }),
  modelInferenceDuration: define({
    name: 'model_inference_duration_seconds',
    type: 'histogram',
    help: 'Seconds that a model spent on a prediction, waiting and tokenization not counted.',
    labels: ['model'],
    buckets: inferenceBuckets,
    budget: 5,
  }),
  modelPredictions: define({
    name: 'model_predictions_total',
    type: 'counter',
    help: 'Predictions made, by predicted class.',
    labels: ['model', 'prediction_class'],
    budget: 100,
  }),
  modelPredictionConfidence: define({
    name: 'model_prediction_confidence',
    type: 'histogram',
    help: 'Score (0 to 1) of the predicted class.',
    labels: ['model'],
    buckets: confidenceBuckets,
    budget: 5,
  }),
  inferenceQueueSize: define({
    name: 'inference_queue_size',
    type: 'gauge',
    help: 'Predictions waiting for a free worker.',
    labels: [],
    budget: 1,
  }),
  modelMemory: define({
    name: 'model_memory_usage_bytes',
    type: 'gauge',
    help: 'Growth of resident memory while a model was loaded, all workers together.',
    labels: ['model'],
    budget: 5,
  }),
  inferenceWorkers: define({
    name: 'inference_workers',
    type: 'gauge',
    help: 'Inference workers by state: starting, idle or busy.',
    labels: ['state'],
    budget: 3,
  }),
  inferenceWorkerRestarts: define({
    name: 'inference_worker_restarts_total',
    type: 'counter',
    help: 'Inference workers started anew after a crash.',
    labels: [],
    budget: 1,
  }),
  sentimentRequests: define({
    name: 'sentiment_requests_total',
    type: 'counter',
    help: 'Requests for a sentiment, by route template and status class.',
    labels: ['endpoint', 'status'],
    budget: 10,
  }),
  sentimentRequestDuration: define({
    name: 'sentiment_request_duration_seconds',
    type: 'histogram',
    help: 'Seconds that a request for a sentiment took.',
    labels: ['endpoint'],
    buckets: requestBuckets,
    budget: 5,
  }),
  authFailures: define({
    name: 'auth_failures_total',
    type: 'counter',
    help: 'Requests refused for want of a valid API key, by reason: missing or unknown.',
    labels: ['reason'],
    budget: 5,
  }),
  labelOverflow: define({
    name: 'telemetry_label_overflow_total',
    type: 'counter',
    help: 'Observations folded into an overflow series because a metric was over its budget of label sets.',
    labels: ['metric', 'label'],
    budget: 50,
  }),
  spans: define({
    name: 'telemetry_spans_total',
    type: 'counter',
    help: 'Spans handed to the exporter, by outcome: exported, failed or dropped.',
    labels: ['outcome'],
    budget: 3,
  }),
});
