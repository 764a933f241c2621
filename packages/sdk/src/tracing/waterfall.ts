import { ExportResultCode, hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { attributeNames } from '../catalog/names.js';

const WIDTH = 32;

const startOf = (span: ReadableSpan): number => hrTimeToMilliseconds(span.startTime);
const lengthOf = (span: ReadableSpan): number => hrTimeToMilliseconds(span.duration);

function bar(span: ReadableSpan, root: ReadableSpan): string {
  const scale = WIDTH / Math.max(lengthOf(root), 0.001);
  const from = Math.min(WIDTH - 1, Math.max(0, Math.floor((startOf(span) - startOf(root)) * scale)));
  const length = Math.min(WIDTH - from, Math.max(1, Math.round(lengthOf(span) * scale)));
  return `${' '.repeat(from)}${'█'.repeat(length)}`.padEnd(WIDTH);
}

/** One trace as text: a line a span, indented below its parent, with its place in time. */
export function drawWaterfall(spans: readonly ReadableSpan[]): string {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const children = new Map<string, ReadableSpan[]>();
  const roots: ReadableSpan[] = [];
  for (const span of spans.toSorted((a, b) => startOf(a) - startOf(b))) {
    const parent = span.parentSpanContext?.spanId;
    if (parent === undefined || !ids.has(parent)) roots.push(span);
    else children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const lines: string[] = [];
  const draw = (span: ReadableSpan, root: ReadableSpan, depth: number): void => {
    const failed = span.status.code === 2 ? `  ✗ ${span.status.message ?? 'failed'}` : '';
    const name = `${'  '.repeat(depth)}${span.name}`.padEnd(24);
    lines.push(`  ${name} ▕${bar(span, root)}▏ ${lengthOf(span).toFixed(2).padStart(8)} ms${failed}`);
    for (const child of children.get(span.spanContext().spanId) ?? []) draw(child, root, depth + 1);
  };
  for (const root of roots) {
    const requestId = root.attributes[attributeNames.requestId];
    lines.push(`trace ${root.spanContext().traceId}${requestId === undefined ? '' : `  request ${requestId}`}`);
    draw(root, root, 0);
  }
  return `${lines.join('\n')}\n`;
}

/** Prints each trace as a waterfall, on standard error so that the log lines stay JSON. */
export function createWaterfallExporter(write: (text: string) => void): SpanExporter {
  return {
    export(spans, done) {
      for (const trace of groupByTrace(spans).values()) write(drawWaterfall(trace));
      done({ code: ExportResultCode.SUCCESS });
    },
    shutdown: async () => {},
  };
}

function groupByTrace(spans: readonly ReadableSpan[]): Map<string, ReadableSpan[]> {
  const traces = new Map<string, ReadableSpan[]>();
  for (const span of spans) {
    const id = span.spanContext().traceId;
    const trace = traces.get(id);
    if (trace === undefined) traces.set(id, [span]);
    else trace.push(span);
  }
  return traces;
}
