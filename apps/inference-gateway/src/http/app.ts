import { answerErrors, health, metrics, notFound, observe, ready } from '@throughline/middleware/express';
import { currentRecord, metricCatalog, type Observability } from '@throughline/sdk';
import express, { type Express, type RequestHandler } from 'express';
import type { Pipeline } from '../stages/pipeline.js';
import { onlyMethod, predictRoute } from './routes/predict.js';

export interface AppOptions {
  readonly telemetry: Observability;
  readonly pipeline: Pipeline;
  readonly maxBodyBytes: number;
  /** What keeps the service from answering, if anything. */
  readonly notReady: () => string | undefined;
}

/** Counts and times the requests for a sentiment under the gateway's own names. */
function countSentiment(telemetry: Observability): RequestHandler {
  const requests = telemetry.metrics.counter(metricCatalog.sentimentRequests);
  const seconds = telemetry.metrics.histogram(metricCatalog.sentimentRequestDuration);
  return (request, response, next) => {
    const started = performance.now();
    const endpoint = request.route.path as string;
    currentRecord()?.atEnd.push((exemplar) => {
      const status = response.writableFinished ? `${Math.floor(response.statusCode / 100)}xx` : 'aborted';
      requests.add({ endpoint, status });
      seconds.observe({ endpoint }, (performance.now() - started) / 1e3, exemplar);
    });
    next();
  };
}

/** The routes of the gateway. */
export function createApp({ telemetry, pipeline, maxBodyBytes, notReady }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(observe(telemetry));
  app.post('/predict', countSentiment(telemetry), predictRoute(pipeline, { maxBodyBytes }));
  app.all('/predict', onlyMethod('POST'));
  app.get('/health', health(telemetry));
  app.get('/ready', ready(notReady));
  app.get('/metrics', metrics(telemetry));
  app.use(notFound(), answerErrors());
  return app;
}
