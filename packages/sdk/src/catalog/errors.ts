/** What each error code means on the wire; the only place that knows an HTTP status. */
export interface ErrorMeaning {
  readonly status: number;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  readonly summary: string;
}

const meaning = (status: number, retryable: boolean, summary: string): ErrorMeaning =>
  Object.freeze({ status, retryable, summary });

export const errorCatalog = Object.freeze({
  malformed_http: meaning(400, false, 'The bytes received are not a valid HTTP request.'),
  malformed_json: meaning(400, false, 'The body is not valid JSON.'),
  invalid_request: meaning(400, false, 'The request is understood but one of its parts is wrong.'),
  invalid_text: meaning(400, false, '`text` is missing, not a string, or empty.'),
  unauthorized: meaning(401, false, 'The request carries no valid API key.'),
  not_found: meaning(404, false, 'There is nothing at this path.'),
  method_not_allowed: meaning(405, false, 'This path does not answer this method; `Allow` names those it does.'),
  request_timeout: meaning(408, true, 'The request did not arrive in time.'),
  payload_too_large: meaning(413, false, 'The body is larger than the service accepts.'),
  text_too_long: meaning(413, false, '`text` has more characters than the service accepts.'),
  unsupported_media_type: meaning(
    415,
    false,
    'The body has a content type, charset or encoding that is not supported.',
  ),
  overloaded: meaning(429, true, 'The queue is full; try again after the time in `Retry-After`.'),
  headers_too_large: meaning(431, false, 'The request headers are larger than the service accepts.'),
  client_closed_request: meaning(499, false, 'The client left before the answer was ready.'),
  internal_error: meaning(
    500,
    false,
    'Something failed inside the service; the log line with this request ID says what.',
  ),
  inference_failed: meaning(500, true, 'The model failed on this request.'),
  not_ready: meaning(503, true, 'The service is starting or stopping.'),
  inference_timeout: meaning(504, true, 'The model did not answer in time.'),
});

export type ErrorCode = keyof typeof errorCatalog;
