/** The variables that the SDK reads, for documentation; OpenTelemetry's names wherever it has one. */
export const environmentCatalog = Object.freeze({
  OTEL_SERVICE_NAME: { default: 'the name given in code', summary: 'Name of the service in logs and traces.' },
  OTEL_RESOURCE_ATTRIBUTES: { default: '', summary: 'Further attributes of the service in traces, `key=value,…`.' },
  OTEL_SDK_DISABLED: { default: 'false', summary: '`true` switches logs, metrics and traces off; IDs are still made.' },
  OTEL_LOGS_EXPORTER: { default: 'console', summary: '`none` switches logs off.' },
  OTEL_METRICS_EXPORTER: { default: 'prometheus', summary: '`none` switches metrics off.' },
  OTEL_TRACES_EXPORTER: {
    default: '`otlp` when an endpoint is set, else `none`',
    summary: '`otlp`, `console` (waterfalls on standard error), both with a comma, or `none`.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    default: '',
    summary: 'Where traces go, such as `http://localhost:4318` (HTTP) or `http://localhost:4317` (gRPC).',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: { default: '', summary: 'The same, whole, for traces alone.' },
  OTEL_EXPORTER_OTLP_PROTOCOL: { default: 'http/protobuf', summary: '`http/protobuf`, `http/json` or `grpc`.' },
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: { default: '', summary: 'The same for traces alone.' },
  OTEL_TRACES_SAMPLER: {
    default: 'parentbased_traceidratio',
    summary: '`always_on`, `always_off`, `traceidratio`, or one of them with `parentbased_` before it.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    default: '1; 0.1 with `NODE_ENV=production`',
    summary: 'Share of traces kept, 0 to 1. Errors and slow requests are kept whatever it says.',
  },
  OTEL_BSP_MAX_QUEUE_SIZE: { default: '8192', summary: 'Most spans that wait to be sent; further ones are dropped.' },
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: { default: '512', summary: 'Most spans in one message.' },
  OTEL_BSP_SCHEDULE_DELAY: { default: '5000; 200 for `console`', summary: 'Milliseconds between two messages.' },
  OTEL_BSP_EXPORT_TIMEOUT: { default: '30000', summary: 'Milliseconds for one message to be taken.' },
  LOG_LEVEL: { default: 'info', summary: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.' },
  THROUGHLINE_SLOW_MS: {
    default: '300',
    summary: 'A request that took this many milliseconds is slow, and its trace kept.',
  },
});
