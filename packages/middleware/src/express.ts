import {
  CodedError,
  currentRecord,
  type ErrorCode,
  errorBody,
  errorCatalog,
  type HttpRequest,
  type Observability,
} from '@throughline/sdk';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';

const requests = new WeakMap<Request, HttpRequest>();

/** The route template that has matched, mount paths included. */
function endpointOf(request: Request): string | undefined {
  const path: unknown = request.route?.path;
  if (path === undefined) return undefined;
  return `${request.baseUrl}${typeof path === 'string' ? path : String(path)}`;
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/**
 * Follows each request of an Express app: IDs, log lines, metrics, trace, response headers.
 * Use it before everything else, body parsers included.
 *
 * @example
 * app.use(observe(telemetry));
 */
export function observe(telemetry: Observability): RequestHandler {
  return (request, response, next) => {
    const followed = telemetry.http.open({
      method: request.method,
      path: pathOf(request.originalUrl),
      headers: request.headers,
      httpVersion: request.httpVersion,
      clientAddress: request.socket.remoteAddress,
      endpoint: () => endpointOf(request),
    });
    requests.set(request, followed);
    for (const name in followed.responseHeaders) response.setHeader(name, followed.responseHeaders[name] as string);
    response.once('close', () => {
      followed.close({ status: response.statusCode, aborted: !response.writableFinished });
    });
    followed.run(next);
  };
}

/** A signal that fires when the client leaves before its answer is whole. */
export function clientGone(response: Response): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new CodedError('client_closed_request'));
  });
  return controller.signal;
}

/** Codes for the errors of Express' body parsers, by their `type`. */
const bodyErrors: Readonly<Record<string, ErrorCode>> = {
  'entity.too.large': 'payload_too_large',
  'parameters.too.many': 'payload_too_large',
  'entity.parse.failed': 'malformed_json',
  'encoding.unsupported': 'unsupported_media_type',
  'charset.unsupported': 'unsupported_media_type',
  'request.aborted': 'client_closed_request',
  'request.size.invalid': 'malformed_http',
};

/** Turns whatever was thrown into a coded error; what is not ours to show becomes `internal_error`. */
function toCodedError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const { type, status, message } = (error ?? {}) as { type?: unknown; status?: unknown; message?: unknown };
  const code = typeof type === 'string' ? bodyErrors[type] : undefined;
  if (code === 'malformed_json')
    return new CodedError(code, `The body is not valid JSON: ${String(message)}`, { cause: error });
  if (code !== undefined) return new CodedError(code, undefined, { cause: error });
  // Express' own: a path that cannot be decoded, a body that ends early.
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new CodedError('invalid_request', undefined, { cause: error });
  return new CodedError('internal_error', undefined, { cause: error });
}

/** Answers with a coded error in the one JSON shape. */
export function sendError(response: Response, error: CodedError): void {
  const record = currentRecord() ?? requests.get(response.req)?.record;
  if (record !== undefined) record.error = error.code === 'internal_error' ? (error.cause ?? error) : error;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error.retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(error.retryAfterSeconds));
  response.status(errorCatalog[error.code].status).json(errorBody(error, record));
}

/**
 * Answers thrown errors in the one JSON shape, with the request ID in it. Use it after all routes.
 *
 * @example
 * app.use(notFound(), answerErrors());
 */
export function answerErrors(): ErrorRequestHandler {
  return (error, _request, response, _next) => sendError(response, toCodedError(error));
}

/** Answers what no route took. */
export function notFound(): RequestHandler {
  return (_request, response) => sendError(response, new CodedError('not_found'));
}

/** `GET /health`: the process is alive and its event loop turns. */
export function health(telemetry: Observability): RequestHandler {
  return (_request, response) => {
    response
      .set('Cache-Control', 'no-store')
      .json({ status: 'ok', service: telemetry.service, uptime_seconds: Math.round(process.uptime()) });
  };
}

/** `GET /ready`: 200 while `check` finds nothing missing, else 503 with what is. */
export function ready(check: () => string | undefined): RequestHandler {
  return (_request, response) => {
    const missing = check();
    response.set('Cache-Control', 'no-store');
    if (missing === undefined) response.json({ status: 'ready' });
    else sendError(response, new CodedError('not_ready', missing));
  };
}

/** `GET /metrics`: Prometheus text, or OpenMetrics with exemplars for scrapers that accept it. */
export function metrics(telemetry: Observability): RequestHandler {
  return async (request, response, next) => {
    if (!telemetry.metrics.enabled) return next();
    const { contentType, text } = await telemetry.metrics.text(request.headers.accept);
    response.set('Content-Type', contentType).set('Cache-Control', 'no-store').end(text);
  };
}
