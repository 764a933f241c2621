import type { ExporterName, OtlpProtocol } from './tracing/exporters.js';
import type { BatchOptions, SamplingOptions } from './tracing/tracing.js';

/** What the environment says; the names are OpenTelemetry's wherever it has one. */
export interface Settings {
  readonly service: string;
  /** Everything is switched off. */
  readonly disabled: boolean;
  readonly logLevel: string;
  readonly logs: boolean;
  readonly metrics: boolean;
  readonly traceExporters: readonly ExporterName[];
  readonly otlpProtocol: OtlpProtocol;
  readonly sampling: SamplingOptions;
  readonly batch: BatchOptions;
}

type Environment = Readonly<Record<string, string | undefined>>;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'];

/** Development keeps every trace, production one in ten; errors and slow requests are kept in both. */
const defaultRatio = (environment: Environment): number => (environment.NODE_ENV === 'production' ? 0.1 : 1);

function read(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}

function readOneOf(environment: Environment, name: string, allowed: readonly string[], fallback: string): string {
  const value = read(environment, name)?.toLowerCase() ?? fallback;
  if (!allowed.includes(value)) throw new Error(`${name} is "${value}"; it must be one of ${allowed.join(', ')}.`);
  return value;
}

function readNumber(
  environment: Environment,
  name: string,
  bounds: { fallback: number; least: number; most: number },
): number {
  const text = read(environment, name);
  if (text === undefined) return bounds.fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < bounds.least || value > bounds.most) {
    throw new Error(`${name} is "${text}"; it must be a number from ${bounds.least} to ${bounds.most}.`);
  }
  return value;
}

function readSampling(environment: Environment): SamplingOptions {
  const samplers = ['always_on', 'always_off', 'traceidratio'];
  const allowed = [...samplers, ...samplers.map((name) => `parentbased_${name}`)];
  const sampler = readOneOf(environment, 'OTEL_TRACES_SAMPLER', allowed, 'parentbased_traceidratio');
  const given = readNumber(environment, 'OTEL_TRACES_SAMPLER_ARG', {
    fallback: defaultRatio(environment),
    least: 0,
    most: 1,
  });
  const ratio = sampler.endsWith('always_on') ? 1 : sampler.endsWith('always_off') ? 0 : given;
  const slowMs = readNumber(environment, 'THROUGHLINE_SLOW_MS', { fallback: 300, least: 0, most: 1e9 });
  return { ratio, parentBased: sampler.startsWith('parentbased_'), slowMs };
}

function readExporters(environment: Environment): ExporterName[] {
  const endpoint =
    read(environment, 'OTEL_EXPORTER_OTLP_ENDPOINT') ?? read(environment, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const list = read(environment, 'OTEL_TRACES_EXPORTER') ?? (endpoint === undefined ? 'none' : 'otlp');
  const names = list.split(',').map((name) => name.trim().toLowerCase());
  const wrong = names.find((name) => !['otlp', 'console', 'none'].includes(name));
  if (wrong !== undefined) throw new Error(`OTEL_TRACES_EXPORTER names "${wrong}"; it must be otlp, console or none.`);
  return names.includes('none') ? [] : (names as ExporterName[]);
}

/** Reads the environment once; a wrong value stops the start with a sentence that says what to change. */
export function parseSettings(environment: Environment, service: string | undefined): Settings {
  const off = readOneOf(environment, 'OTEL_SDK_DISABLED', ['true', 'false'], 'false') === 'true';
  const protocolName = read(environment, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL')
    ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
    : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const batchNumber = (name: string, fallback: number): number =>
    readNumber(environment, name, { fallback, least: 1, most: 1e7 });
  const exporters = readExporters(environment);
  // A person who watches the console does not want to wait for a batch to fill.
  const delay = exporters.includes('console') ? 200 : 5000;
  const maxQueueSize = batchNumber('OTEL_BSP_MAX_QUEUE_SIZE', 8192);
  return Object.freeze({
    service: read(environment, 'OTEL_SERVICE_NAME') ?? service ?? 'unknown_service:node',
    disabled: off,
    logLevel: readOneOf(environment, 'LOG_LEVEL', LEVELS, 'info'),
    logs: !off && readOneOf(environment, 'OTEL_LOGS_EXPORTER', ['console', 'none'], 'console') === 'console',
    metrics:
      !off && readOneOf(environment, 'OTEL_METRICS_EXPORTER', ['prometheus', 'none'], 'prometheus') === 'prometheus',
    traceExporters: off ? [] : exporters,
    otlpProtocol: readOneOf(environment, protocolName, PROTOCOLS, 'http/protobuf') as OtlpProtocol,
    sampling: readSampling(environment),
    batch: {
      maxQueueSize,
      maxExportBatchSize: Math.min(maxQueueSize, batchNumber('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
      scheduledDelayMillis: batchNumber('OTEL_BSP_SCHEDULE_DELAY', delay),
      exportTimeoutMillis: batchNumber('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    },
  });
}
