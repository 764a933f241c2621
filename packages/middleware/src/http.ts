import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { CodedError, type Observability } from '@throughline/sdk';
import { errorAnswer, healthAnswer, metricsAnswer, readyAnswer, toCodedError, writeAnswer } from './answers.js';
import { type ApiKey, createKeyCheck } from './api-keys.js';
import { follow, recordOf } from './follow.js';

export { type ApiKey, hashApiKey } from './api-keys.js';
export { clientGone } from './follow.js';

/** A handler of node:http; what it throws or rejects with is answered in the one JSON shape. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** The route template of a request, such as `/orders/:id`; undefined where none matches. Never its raw path. */
export type RouteOf = (request: IncomingMessage) => string | undefined;

/**
 * Follows each request of a plain node:http server: IDs, log lines, metrics, trace, response headers, error answers.
 *
 * @example
 * createServer(observe(telemetry, handler, (request) => (request.url === '/' ? '/' : undefined)));
 */
export function observe(telemetry: Observability, handler: Handler, routeOf: RouteOf): RequestListener {
  return (request, response) => {
    const url = request.url ?? '';
    const opened = follow(telemetry, { request, response, url }, () => routeOf(request));
    const fail = (error: unknown): void => writeAnswer(response, errorAnswer(toCodedError(error), opened.record));
    opened.run(() => {
      try {
        const result = handler(request, response);
        if (result instanceof Promise) result.catch(fail);
      } catch (error) {
        fail(error);
      }
    });
  };
}

/** A handler that only requests with one of these keys reach; others are answered 401. */
export function requireApiKey(telemetry: Observability, keys: readonly ApiKey[], handler: Handler): Handler {
  const check = createKeyCheck(telemetry, keys);
  return (request, response) => {
    check(request);
    return handler(request, response);
  };
}

/** Answers what no route took. */
export const notFound: Handler = (request, response) =>
  writeAnswer(response, errorAnswer(new CodedError('not_found'), recordOf(request)));

/** `GET /health`: the process is alive and its event loop turns. */
export const health = (telemetry: Observability): Handler => {
  return (_request, response) => writeAnswer(response, healthAnswer(telemetry));
};

/** `GET /ready`: 200 while `check` finds nothing missing, else 503 with what is. */
export const ready = (check: () => string | undefined): Handler => {
  return (request, response) => writeAnswer(response, readyAnswer(check(), recordOf(request)));
};

/** `GET /metrics`: Prometheus text, or OpenMetrics with exemplars for scrapers that accept it. */
export const metrics = (telemetry: Observability): Handler => {
  return async (request, response) =>
    writeAnswer(response, await metricsAnswer(telemetry, request.headers.accept, recordOf(request)));
};
