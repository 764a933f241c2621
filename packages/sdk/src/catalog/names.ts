/** Span names, in the order in which a prediction passes through them. */
export const spanNames = Object.freeze({
  validateInput: 'validate_input',
  queueWait: 'queue_wait',
  tokenize: 'tokenize',
  modelInference: 'model_inference',
  forwardPass: 'forward_pass',
  formatResponse: 'format_response',
});

/** Attributes of spans: OpenTelemetry semantic conventions where they exist, our own below. */
export const attributeNames = Object.freeze({
  httpRequestMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpResponseStatusCode: 'http.response.status_code',
  urlPath: 'url.path',
  urlScheme: 'url.scheme',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  clientAddress: 'client.address',
  userAgent: 'user_agent.original',
  networkProtocolVersion: 'network.protocol.version',
  errorType: 'error.type',
  exceptionType: 'exception.type',
  exceptionMessage: 'exception.message',
  exceptionStacktrace: 'exception.stacktrace',
  threadId: 'thread.id',
  requestId: 'request_id',
  correlationId: 'correlation_id',
  tenantId: 'tenant_id',
  modelName: 'inference.model.name',
  modelVersion: 'inference.model.version',
  predictionClass: 'inference.prediction.class',
  predictionConfidence: 'inference.prediction.confidence',
  inputTokens: 'inference.input.tokens',
  inputTruncated: 'inference.input.truncated',
  batchSize: 'inference.batch.size',
});

/** Fields of log lines. */
export const logFields = Object.freeze({
  timestamp: 'timestamp',
  level: 'level',
  service: 'service',
  message: 'message',
  requestId: 'request_id',
  correlationId: 'correlation_id',
  traceId: 'trace_id',
  spanId: 'span_id',
  tenantId: 'tenant_id',
  method: 'method',
  path: 'path',
  endpoint: 'endpoint',
  status: 'status',
  outcome: 'outcome',
  errorCode: 'error_code',
  durationMs: 'duration_ms',
  model: 'model',
  version: 'version',
  prediction: 'prediction',
  confidence: 'confidence',
  tokens: 'tokens',
  truncated: 'truncated',
  error: 'err',
  security: 'security',
  reason: 'reason',
  clientAddress: 'client_address',
});

/** The `message` of the log lines that every service writes. */
export const eventNames = Object.freeze({
  requestReceived: 'request_received',
  requestCompleted: 'request_completed',
  predictionCompleted: 'prediction_completed',
  authenticationFailed: 'authentication_failed',
});

export const headerNames = Object.freeze({
  requestId: 'X-Request-ID',
  correlationId: 'X-Correlation-ID',
  serverTiming: 'Server-Timing',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
});

/** Endpoint of requests that no route matched: one constant, so that scanners make no series. */
export const unmatchedEndpoint = '<unmatched>';
/** Value of every label of a metric's overflow series. */
export const overflowLabel = '__overflow__';
