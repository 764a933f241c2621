import { spawn } from 'node:child_process';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { listen } from './http.ts';
import { until } from './until.ts';

/** A span as a backend shows it. Times are microseconds since 1970. */
export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Something real that receives OTLP over a socket. */
export interface TraceBackend {
  /** Variables that make a service send its traces here. */
  readonly environment: Readonly<Record<string, string>>;
  spansOf(traceId: string): Promise<SeenSpan[]>;
  stop(): Promise<void>;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status?: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

/** Receives OTLP/HTTP with JSON and keeps all spans. */
export async function startOtlpSink(): Promise<TraceBackend & { readonly all: () => SeenSpan[] }> {
  const traces = new Map<string, SeenSpan[]>();
  const keep = (span: OtlpSpan): void => {
    const seen: SeenSpan = {
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId || undefined,
      name: span.name,
      startUs: Number(BigInt(span.startTimeUnixNano) / 1000n),
      endUs: Number(BigInt(span.endTimeUnixNano) / 1000n),
      failed: span.status?.code === 2,
      attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
    };
    traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), seen]);
  };
  const { url, stop } = await listen(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
      resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
    };
    for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) spans.forEach(keep);
    response.setHeader('Content-Type', 'application/json').end('{}');
  });
  return {
    environment: {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
    },
    spansOf: async (traceId) => traces.get(traceId) ?? [],
    all: () => [...traces.values()].flat(),
    stop,
  };
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createNetServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly startTime: number;
  readonly duration: number;
  readonly references: readonly { readonly refType: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

/** Starts Jaeger; `protocol` says how services send to it. */
export async function startJaeger(binary: string, protocol: 'grpc' | 'http/protobuf'): Promise<TraceBackend> {
  const [grpc, http, query, admin, ...rest] = (await freePorts(9)) as [number, number, number, number, ...number[]];
  const at = (port: number | undefined): string => `127.0.0.1:${port}`;
  const child = spawn(
    binary,
    [
      '--collector.otlp.enabled=true',
      `--collector.otlp.grpc.host-port=${at(grpc)}`,
      `--collector.otlp.http.host-port=${at(http)}`,
      `--query.http-server.host-port=${at(query)}`,
      `--query.grpc-server.host-port=${at(rest[0])}`,
      `--admin.http.host-port=${at(admin)}`,
      `--collector.grpc-server.host-port=${at(rest[1])}`,
      `--collector.http-server.host-port=${at(rest[2])}`,
      `--http-server.host-port=${at(rest[3])}`,
      `--processor.jaeger-compact.server-host-port=${at(rest[4])}`,
      '--processor.jaeger-binary.server-host-port=127.0.0.1:0',
      '--processor.zipkin-compact.server-host-port=127.0.0.1:0',
      '--memory.max-traces=50000',
      '--log-level=error',
    ],
    { stdio: 'ignore', env: { ...process.env, SPAN_STORAGE_TYPE: 'memory' } },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await until('Jaeger to answer', async () => (await fetch(`http://${at(admin)}/`).catch(() => undefined))?.ok);
  return {
    environment: {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${at(protocol === 'grpc' ? grpc : http)}`,
    },
    async spansOf(traceId) {
      const response = await fetch(`http://${at(query)}/api/traces/${traceId}`);
      if (!response.ok) return [];
      const { data } = (await response.json()) as { data: { spans: JaegerSpan[] }[] };
      return data
        .flatMap(({ spans }) => spans)
        .map((span) => {
          const attributes = Object.fromEntries(span.tags.map(({ key, value }) => [key, value]));
          return {
            traceId: span.traceID.padStart(32, '0'),
            spanId: span.spanID,
            parentSpanId: span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
            name: span.operationName,
            startUs: span.startTime,
            endUs: span.startTime + span.duration,
            failed: attributes.error === true,
            attributes,
          };
        });
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
