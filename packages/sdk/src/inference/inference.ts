import { metricCatalog } from '../catalog/metrics.js';
import { attributeNames, eventNames, logFields } from '../catalog/names.js';
import { currentRecord } from '../context/active.js';
import { monotonic } from '../context/clock.js';
import type { WorkRecord } from '../context/record.js';
import { identityFields, type Logging } from '../logging/logger.js';
import type { Metrics } from '../metrics/metrics.js';

/** One prediction, as its service sees it when it is done. */
export interface Prediction {
  readonly model: string;
  readonly version: string;
  readonly predictionClass: string;
  /** Score of the predicted class, 0 to 1. */
  readonly confidence: number;
  /** Time the model spent, waiting and tokenization not counted. */
  readonly inferenceMs: number;
  /** Time from the start of the pipeline to its answer. */
  readonly durationMs: number;
  /** Tokens read, for models that read text. */
  readonly tokens?: number;
  readonly truncated?: boolean;
}

export interface Inference {
  /** Notes a finished prediction: metrics, the line `prediction_completed`, attributes of the request's span. */
  completed(prediction: Prediction, record?: WorkRecord): void;
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;

export function createInference({ logging, metrics }: { logging: Logging; metrics: Metrics }): Inference {
  const seconds = metrics.histogram(metricCatalog.modelInferenceDuration);
  const predictions = metrics.counter(metricCatalog.modelPredictions);
  const confidence = metrics.histogram(metricCatalog.modelPredictionConfidence);

  return {
    completed(prediction, record = currentRecord()) {
      const { model, version, predictionClass } = prediction;
      predictions.add({ model, prediction_class: predictionClass });
      const observe = (exemplar?: Readonly<Record<string, string>>): void => {
        seconds.observe({ model }, prediction.inferenceMs / 1e3, exemplar);
        confidence.observe({ model }, prediction.confidence, exemplar);
      };
      if (record === undefined) observe();
      else {
        record.atEnd.push(observe);
        Object.assign(record.attributes, {
          [attributeNames.modelName]: model,
          [attributeNames.modelVersion]: version,
          [attributeNames.predictionClass]: predictionClass,
          [attributeNames.predictionConfidence]: prediction.confidence,
        });
      }
      if (!logging.events.isLevelEnabled('info')) return;
      logging.events.info(
        {
          ...(record === undefined ? {} : identityFields(record, record.trace.spanId)),
          [logFields.model]: model,
          [logFields.version]: version,
          [logFields.prediction]: predictionClass,
          [logFields.confidence]: round(prediction.confidence),
          ...(prediction.tokens === undefined ? {} : { [logFields.tokens]: prediction.tokens }),
          ...(prediction.truncated === undefined ? {} : { [logFields.truncated]: prediction.truncated }),
          [logFields.durationMs]: round(prediction.durationMs),
        },
        eventNames.predictionCompleted,
      );
    },
  };
}

/** A cache's hits, misses and timings, under the names of the catalog. */
export interface CacheObserver {
  hit(): void;
  miss(): void;
  /** Times one operation (`get`, `set`, …), failed or not. */
  time<Result>(operation: string, run: () => Promise<Result>): Promise<Result>;
}

export function createCacheObserver(metrics: Metrics) {
  const hits = metrics.counter(metricCatalog.cacheHits);
  const misses = metrics.counter(metricCatalog.cacheMisses);
  const seconds = metrics.histogram(metricCatalog.cacheOperationDuration);
  return (cacheType: string): CacheObserver => ({
    hit: () => hits.add({ cache_type: cacheType }),
    miss: () => misses.add({ cache_type: cacheType }),
    async time(operation, run) {
      const startedAt = monotonic();
      try {
        return await run();
      } finally {
        seconds.observe({ cache_type: cacheType, operation }, (monotonic() - startedAt) / 1e3);
      }
    },
  });
}
