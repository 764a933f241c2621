import type { ServerResponse } from 'node:http';
import { CodedError, type ErrorCode, errorBody, type Observability, type WorkRecord } from '@throughline/sdk';

/** An answer that no framework is needed for. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };
const FRESH = { 'Cache-Control': 'no-store' };

/** The process is alive and its event loop turns. */
export function healthAnswer(telemetry: Observability): Answer {
  const body = { status: 'ok', service: telemetry.service, uptime_seconds: Math.round(process.uptime()) };
  return { status: 200, headers: { ...JSON_TYPE, ...FRESH }, body: JSON.stringify(body) };
}

/** 200 while nothing is missing, else 503 with what is. */
export function readyAnswer(missing: string | undefined, record: WorkRecord | undefined): Answer {
  if (missing === undefined) return { status: 200, headers: { ...JSON_TYPE, ...FRESH }, body: '{"status":"ready"}' };
  const answer = errorAnswer(new CodedError('not_ready', missing), record);
  return { ...answer, headers: { ...answer.headers, ...FRESH } };
}

/** Prometheus text, or OpenMetrics with exemplars for scrapers that accept it; not found while metrics are off. */
export async function metricsAnswer(
  telemetry: Observability,
  accept: string | undefined,
  record: WorkRecord | undefined,
): Promise<Answer> {
  if (!telemetry.metrics.enabled) return errorAnswer(new CodedError('not_found'), record);
  const { contentType, text } = await telemetry.metrics.text(accept);
  return { status: 200, headers: { 'Content-Type': contentType, ...FRESH }, body: text };
}

/** A coded error in the one JSON shape; it becomes the record's error. */
export function errorAnswer(error: CodedError, record: WorkRecord | undefined): Answer {
  if (record !== undefined) record.error = error.code === 'internal_error' ? (error.cause ?? error) : error;
  const retry = error.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(error.retryAfterSeconds) };
  const challenge = error.code === 'unauthorized' ? { 'WWW-Authenticate': 'Bearer' } : {};
  return {
    status: error.status,
    headers: { ...JSON_TYPE, ...retry, ...challenge },
    body: JSON.stringify(errorBody(error, record)),
  };
}

/** Writes an answer; a response that has begun already can only be cut. */
export function writeAnswer(response: ServerResponse, answer: Answer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': Buffer.byteLength(answer.body) });
  response.end(answer.body);
}

/** Codes for the errors of body parsers: Express' by `type`, Fastify's by `code`. */
const parserErrors: Readonly<Record<string, ErrorCode>> = {
  'entity.too.large': 'payload_too_large',
  'parameters.too.many': 'payload_too_large',
  'entity.parse.failed': 'malformed_json',
  'encoding.unsupported': 'unsupported_media_type',
  'charset.unsupported': 'unsupported_media_type',
  'request.aborted': 'client_closed_request',
  'request.size.invalid': 'malformed_http',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_http',
};

/** Turns whatever was thrown into a coded error; what is not ours to show becomes `internal_error`. */
export function toCodedError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const { type, code, status, statusCode, message } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const known = parserErrors[String(type)] ?? parserErrors[String(code)];
  if (known === 'malformed_json') {
    return new CodedError(known, `The body is not valid JSON: ${String(message)}`, { cause: error });
  }
  if (known !== undefined) return new CodedError(known, undefined, { cause: error });
  // The framework's own: a path that cannot be decoded, a body that ends early, one that fails its schema.
  const answered = Number(statusCode ?? status);
  if (answered >= 400 && answered < 500) return new CodedError('invalid_request', undefined, { cause: error });
  return new CodedError('internal_error', undefined, { cause: error });
}
