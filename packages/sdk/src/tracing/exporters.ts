import { createRequire } from 'node:module';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { createWaterfallExporter } from './waterfall.js';

export type ExporterName = 'otlp' | 'console';
export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

const GRPC_PACKAGE = '@opentelemetry/exporter-trace-otlp-grpc';

/** Loads OpenTelemetry's exporter for a protocol; it reads the `OTEL_EXPORTER_OTLP_*` variables itself. */
async function loadOtlp(protocol: OtlpProtocol): Promise<SpanExporter> {
  switch (protocol) {
    case 'grpc':
      return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter();
    case 'http/json':
      return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter();
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter();
  }
}

/** An exporter that is loaded in the background: what arrives before waits for it. */
function deferred(loading: Promise<SpanExporter>): SpanExporter {
  loading.catch(() => {});
  return {
    export(spans: ReadableSpan[], done: (result: ExportResult) => void) {
      loading.then(
        (exporter) => exporter.export(spans, done),
        (error: Error) => done({ code: ExportResultCode.FAILED, error }),
      );
    },
    forceFlush: async () => (await loading).forceFlush?.(),
    shutdown: async () => (await loading.catch(() => undefined))?.shutdown(),
  };
}

/** Makes an exporter by its name; throws, saying what to install, when its package is missing. */
export function createExporter(name: ExporterName, protocol: OtlpProtocol): SpanExporter {
  if (name === 'console') return createWaterfallExporter((text) => process.stderr.write(text));
  if (protocol === 'grpc') {
    try {
      createRequire(import.meta.url).resolve(GRPC_PACKAGE);
    } catch {
      throw new Error(
        `OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which needs the package ${GRPC_PACKAGE}: npm install ${GRPC_PACKAGE}`,
      );
    }
  }
  return deferred(loadOtlp(protocol));
}

/** What became of a batch of spans. */
export type OnExport = (outcome: 'exported' | 'failed', spans: number, error: Error | undefined) => void;

/** Sends spans to every exporter, tells what became of them, and waits for those under way when asked to flush. */
export function observed(exporters: readonly SpanExporter[], onExport: OnExport): SpanExporter {
  const underWay = new Set<Promise<void>>();
  const exportTo = (exporter: SpanExporter, spans: ReadableSpan[]): Promise<ExportResult> =>
    new Promise((resolve) => {
      try {
        exporter.export(spans, resolve);
      } catch (error) {
        resolve({ code: ExportResultCode.FAILED, error: error as Error });
      }
    });
  const send = async (spans: ReadableSpan[], done: (result: ExportResult) => void): Promise<void> => {
    const results = await Promise.all(exporters.map((exporter) => exportTo(exporter, spans)));
    const failure = results.find((result) => result.code !== ExportResultCode.SUCCESS);
    onExport(failure === undefined ? 'exported' : 'failed', spans.length, failure?.error);
    // A failure has been told; passing it on would only make the batch processor report it once more.
    done({ code: ExportResultCode.SUCCESS });
  };
  return {
    export(spans, done) {
      const sending = send(spans, done).finally(() => underWay.delete(sending));
      underWay.add(sending);
    },
    forceFlush: async () => {
      await Promise.all(underWay);
    },
    shutdown: async () => {
      await Promise.all(underWay);
      await Promise.all(exporters.map((exporter) => exporter.shutdown()));
    },
  };
}
