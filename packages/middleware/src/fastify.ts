import { CodedError, type Observability } from '@throughline/sdk';
import type {
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  RouteHandlerMethod,
} from 'fastify';
import { type Answer, errorAnswer, healthAnswer, metricsAnswer, readyAnswer, toCodedError } from './answers.js';
import { type ApiKey, createKeyCheck } from './api-keys.js';
import { follow, followedRequest, clientGone as goneFrom, recordOf } from './follow.js';

export { type ApiKey, hashApiKey } from './api-keys.js';

export interface ObserveOptions {
  readonly telemetry: Observability;
}

/** A response that has begun already can only be cut. */
function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (reply.raw.headersSent) {
    reply.raw.destroy();
    return reply;
  }
  return reply.code(answer.status).headers(answer.headers).send(answer.body);
}

/**
 * Follows each request of a Fastify app: IDs, log lines, metrics, trace, response headers, error answers.
 * Register it first, and wait for it: hooks see only the routes that come after.
 *
 * @example
 * await app.register(observe, { telemetry });
 */
export const observe: FastifyPluginCallback<ObserveOptions> = (app, { telemetry }, done) => {
  app.addHook('onRequest', (request, reply, next) => {
    const exchange = { request: request.raw, response: reply.raw, url: request.originalUrl };
    follow(telemetry, exchange, () => (request.is404 ? undefined : request.routeOptions.url)).run(next);
  });
  // A parsed body arrives from the socket, outside the context in which the request began.
  app.addHook('preValidation', (request, _reply, next) => {
    followedRequest(request.raw)?.run(next);
  });
  app.setErrorHandler((error, request, reply) => send(reply, errorAnswer(toCodedError(error), recordOf(request.raw))));
  app.setNotFoundHandler((request, reply) =>
    send(reply, errorAnswer(new CodedError('not_found'), recordOf(request.raw))),
  );
  done();
};
/** Applies to the app that it is registered on, not to a scope of its own. */
Object.assign(observe, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'throughline' });

/**
 * A hook that lets only requests with one of these keys pass; others are answered 401.
 *
 * @example
 * app.get('/orders', { onRequest: requireApiKey(telemetry, keys) }, handler);
 */
export const requireApiKey = (telemetry: Observability, keys: readonly ApiKey[]): onRequestHookHandler => {
  const check = createKeyCheck(telemetry, keys);
  return (request, _reply, next) => {
    try {
      check(request.raw);
      next();
    } catch (error) {
      next(error as Error);
    }
  };
};

/** A signal that fires when the client leaves before its answer is whole. */
export const clientGone = (reply: FastifyReply): AbortSignal => goneFrom(reply.raw);

/** `GET /health`: the process is alive and its event loop turns. */
export const health = (telemetry: Observability): RouteHandlerMethod => {
  return (_request: FastifyRequest, reply: FastifyReply) => send(reply, healthAnswer(telemetry));
};

/** `GET /ready`: 200 while `check` finds nothing missing, else 503 with what is. */
export const ready = (check: () => string | undefined): RouteHandlerMethod => {
  return (request: FastifyRequest, reply: FastifyReply) => send(reply, readyAnswer(check(), recordOf(request.raw)));
};

/** `GET /metrics`: Prometheus text, or OpenMetrics with exemplars for scrapers that accept it. */
export const metrics = (telemetry: Observability): RouteHandlerMethod => {
  return async (request: FastifyRequest, reply: FastifyReply) =>
    send(reply, await metricsAnswer(telemetry, request.headers.accept, recordOf(request.raw)));
};
