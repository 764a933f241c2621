import { CodedError, type Observability } from '@throughline/sdk';
import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import { errorAnswer, healthAnswer, metricsAnswer, readyAnswer, toCodedError, writeAnswer } from './answers.js';
import { type ApiKey, createKeyCheck } from './api-keys.js';
import { follow, recordOf } from './follow.js';

export { type ApiKey, hashApiKey } from './api-keys.js';
export { clientGone } from './follow.js';

/** The route template that has matched, mount paths included. */
function endpointOf(request: Request): string | undefined {
  const path: unknown = request.route?.path;
  if (path === undefined) return undefined;
  return `${request.baseUrl}${typeof path === 'string' ? path : String(path)}`;
}

/**
 * Follows each request of an Express app (4 or 5): IDs, log lines, metrics, trace, response headers.
 * Use it before everything else, body parsers included.
 *
 * @example
 * app.use(observe(telemetry));
 */
export function observe(telemetry: Observability): RequestHandler {
  return (request, response, next) => {
    const url = request.originalUrl;
    follow(telemetry, { request, response, url }, () => endpointOf(request)).run(next);
  };
}

/**
 * Answers thrown errors in the one JSON shape, with the request ID in it. Use it after all routes.
 *
 * @example
 * app.use(notFound(), answerErrors());
 */
export function answerErrors(): ErrorRequestHandler {
  return (error, request, response, _next) => {
    writeAnswer(response, errorAnswer(toCodedError(error), recordOf(request)));
  };
}

/**
 * Lets only requests with one of these keys pass, in `X-API-Key` or as a bearer token; others are answered 401.
 *
 * @example
 * app.use('/orders', requireApiKey(telemetry, [{ id: 'shop', sha256: hashApiKey(key), tenantId: 'acme' }]));
 */
export function requireApiKey(telemetry: Observability, keys: readonly ApiKey[]): RequestHandler {
  const check = createKeyCheck(telemetry, keys);
  return (request, _response, next) => {
    check(request);
    next();
  };
}

/** Answers what no route took. */
export function notFound(): RequestHandler {
  return (request, response) => writeAnswer(response, errorAnswer(new CodedError('not_found'), recordOf(request)));
}

/** `GET /health`: the process is alive and its event loop turns. */
export function health(telemetry: Observability): RequestHandler {
  return (_request, response) => writeAnswer(response, healthAnswer(telemetry));
}

/** `GET /ready`: 200 while `check` finds nothing missing, else 503 with what is. */
export function ready(check: () => string | undefined): RequestHandler {
  return (request, response) => writeAnswer(response, readyAnswer(check(), recordOf(request)));
}

/** `GET /metrics`: Prometheus text, or OpenMetrics with exemplars for scrapers that accept it. */
export function metrics(telemetry: Observability): RequestHandler {
  return (request, response, next) => {
    metricsAnswer(telemetry, request.headers.accept, recordOf(request)).then(
      (answer) => writeAnswer(response, answer),
      (error: unknown) => next(error),
    );
  };
}
