import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LogLine, startGatewayProcess } from '../../../tests/support/child.ts';
import { type Answer, predict, send } from '../../../tests/support/http.ts';
import { find } from '../../../tests/support/servers.ts';
import { type SeenSpan, startJaeger, startOtlpSink, type TraceBackend } from '../../../tests/support/trace-backends.ts';
import { until } from '../../../tests/support/until.ts';

// One ID through everything: each request sent here is found again in its response, in its log lines, on every span
// at whatever receives the traces, and in the exemplar of the latency histogram.

const jaeger = find('jaeger') as string;
const backends: [string, boolean, () => Promise<TraceBackend>][] = [
  ['an OTLP/HTTP receiver (JSON)', true, startOtlpSink],
  ['Jaeger over OTLP/HTTP (protobuf)', jaeger !== undefined, () => startJaeger(jaeger, 'http/protobuf')],
  ['Jaeger over OTLP/gRPC', jaeger !== undefined, () => startJaeger(jaeger, 'grpc')],
];

const SENTENCES = [
  'A thoughtful, moving film.',
  'I want my two hours back.',
  'The plot is thin, but the cast carries it.',
  'Nothing works, nobody answers.',
  'Best coffee in town!',
  'It is what it is.',
];
const STAGES = ['validate_input', 'queue_wait', 'tokenize', 'model_inference', 'forward_pass', 'format_response'];

describe.each(backends.filter(([, present]) => present))(
  'one ID through everything, seen by %s',
  (_, __, startBackend) => {
    let backend: TraceBackend;
    let gateway: Awaited<ReturnType<typeof startGatewayProcess>>;
    beforeAll(async () => {
      backend = await startBackend();
      gateway = await startGatewayProcess({
        ...backend.environment,
        OTEL_BSP_SCHEDULE_DELAY: '100',
        MAX_BODY_BYTES: '4096',
        MAX_TEXT_LENGTH: '2000',
      });
    });
    afterAll(async () => {
      gateway.process.kill('SIGTERM');
      await gateway.ended;
      await backend.stop();
    });

    const lineOf = (message: string, id: string): LogLine | undefined =>
      gateway.lines().find((line) => line.message === message && line.request_id === id);
    const completed = (id: string) => until(`the last line of ${id}`, () => lineOf('request_completed', id));
    const spansOf = (traceId: string, names: readonly string[]): Promise<SeenSpan[]> =>
      until(`the spans of ${traceId}`, async () => {
        const spans = await backend.spansOf(traceId);
        return names.every((name) => spans.some((span) => span.name === name)) && spans;
      });
    const scrape = async (): Promise<string> =>
      (await send(`${gateway.url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })).text;
    const exemplarsOf = (text: string): { traceId: string; requestId: string }[] =>
      [
        ...text.matchAll(
          /^http_request_duration_seconds_bucket\{.*endpoint="\/predict".*# \{trace_id="(\w+)",request_id="([^"]+)"\}/gm,
        ),
      ].map(([, traceId, requestId]) => ({ traceId: traceId as string, requestId: requestId as string }));

    /** Finds a request again in both its lines and on every span; `stages` are the spans below its own. */
    async function follow(id: string, stages: readonly string[]): Promise<{ end: LogLine; spans: SeenSpan[] }> {
      const end = await completed(id);
      const traceId = String(end.trace_id);
      const start = lineOf('request_received', id);
      expect(start).toMatchObject({ trace_id: traceId, correlation_id: end.correlation_id, span_id: end.span_id });
      const spans = await spansOf(traceId, ['POST /predict', ...stages]);
      for (const span of spans)
        expect(span.attributes).toMatchObject({ request_id: id, correlation_id: end.correlation_id });
      expect(spans.map(({ name }) => name).toSorted()).toEqual(['POST /predict', ...stages].toSorted());
      expect(spans.find(({ name }) => name === 'POST /predict')?.spanId).toBe(end.span_id);
      return { end, spans };
    }

    test('one request after the other, each with its exemplar', async () => {
      for (const [i, text] of SENTENCES.entries()) {
        const id = `single-${i}`;
        const sent = { 'x-request-id': id, ...(i % 2 ? { 'x-correlation-id': `flow-${i}` } : {}) };
        const { json, headers } = await predict(gateway.url, text, { headers: sent });
        expect([json.request_id, headers['x-request-id']]).toEqual([id, id]);
        expect(json.correlation_id).toBe(i % 2 ? `flow-${i}` : json.trace_id);
        const { end, spans } = await follow(id, STAGES);
        expect(end.trace_id).toBe(json.trace_id);
        expect(lineOf('prediction_completed', id)).toMatchObject({
          prediction: json.label,
          model: 'sentiment',
          trace_id: json.trace_id,
        });
        expect(exemplarsOf(await scrape())).toContainEqual({ traceId: json.trace_id, requestId: id });
        expectTrueTimes(spans, json.timings_ms);
      }
    });

    test('hundreds at once, the workers busy: all are found, and every exemplar points to one of them', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 32 });
      const ids = Array.from({ length: 300 }, (_, i) => `crowd-${i}`);
      const answers = await Promise.all(
        ids.map((id, i) =>
          predict(gateway.url, `${SENTENCES[i % SENTENCES.length]} ${id}`, { agent, headers: { 'x-request-id': id } }),
        ),
      );
      agent.destroy();
      expect(answers.map(({ json }: Answer) => json.request_id)).toEqual(ids);
      const found = await Promise.all(ids.map((id) => follow(id, STAGES)));
      expect(found.map(({ end }) => end.trace_id)).toEqual(answers.map(({ json }) => json.trace_id));
      const exemplars = exemplarsOf(await scrape());
      expect(exemplars.some(({ requestId }) => requestId.startsWith('crowd-'))).toBe(true);
      for (const { traceId, requestId } of exemplars) {
        expect((await completed(requestId)).trace_id).toBe(traceId);
        expect(await backend.spansOf(traceId)).not.toHaveLength(0);
      }
    });

    test('requests that are refused: 400, 413, 415', async () => {
      const refused = [
        ['bad-400', '{"text":7}', 'application/json', 400, ['validate_input']],
        ['bad-json', '{"text":', 'application/json', 400, []],
        ['bad-413', JSON.stringify({ text: 'x'.repeat(5000) }), 'application/json', 413, []],
        ['bad-415', 'hello', 'text/plain', 415, []],
      ] as const;
      for (const [id, body, type, status, stages] of refused) {
        const answer = await send(`${gateway.url}/predict`, {
          method: 'POST',
          body,
          headers: { 'content-type': type, 'x-request-id': id },
        });
        expect([answer.status, answer.json.error.request_id, answer.headers['x-request-id']]).toEqual([status, id, id]);
        const { end } = await follow(id, stages);
        expect(end).toMatchObject({ status, outcome: 'rejected', error_code: answer.json.error.code });
        expect(answer.json.error.trace_id).toBe(end.trace_id);
        expect(exemplarsOf(await scrape())).toContainEqual({ traceId: end.trace_id, requestId: id });
      }
    });

    test('requests whose client leaves', async () => {
      const text = 'a truly long review of a film that goes on '.repeat(44);
      const ids = Array.from({ length: 24 }, (_, i) => `gone-${i}`);
      const outcomes = await Promise.allSettled(
        ids.map((id) => predict(gateway.url, text, { headers: { 'x-request-id': id }, abortAfterMs: 30 })),
      );
      expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
      for (const id of ids) {
        const end = await completed(id);
        expect(['aborted', 'ok']).toContain(end.outcome);
        const spans = await spansOf(String(end.trace_id), ['POST /predict']);
        for (const span of spans) expect(span.attributes.request_id).toBe(id);
        expect(lineOf('request_received', id)).toMatchObject({ trace_id: end.trace_id });
      }
      expect(ids.filter((id) => lineOf('request_completed', id)?.outcome === 'aborted').length).toBeGreaterThan(0);
      expect(await scrape()).toMatch(
        /^http_requests_total\{method="POST",endpoint="\/predict",status="aborted"\} [1-9]/m,
      );
    });
  },
);

describe('when a worker crashes', () => {
  test('the request that it ran is found as failed, by its ID, everywhere', async () => {
    const { startObservability } = await import('@throughline/sdk');
    const { startGateway } = await import('../src/gateway.ts');
    const { parseConfig } = await import('../src/config.ts');
    const sink = await startOtlpSink();
    Object.assign(process.env, sink.environment);
    const lines: LogLine[] = [];
    const telemetry = startObservability({
      service: 'inference-gateway',
      guardProcess: false,
      logDestination: { write: (line) => lines.push(JSON.parse(line) as LogLine) },
    });
    const gateway = await startGateway(parseConfig({ PORT: '0', WORKERS: '2', SHUTDOWN_GRACE_MS: '0' }), telemetry, {
      workerEntry: new URL('./fixtures/faulty-entry.mjs', import.meta.url),
    });
    await gateway.ready;
    const others = Array.from({ length: 20 }, (_, i) => predict(gateway.url, SENTENCES[i % SENTENCES.length]));
    const [crashed, failed] = await Promise.all([
      predict(gateway.url, 'please throw', { headers: { 'x-request-id': 'crashed' } }),
      predict(gateway.url, 'please fail', { headers: { 'x-request-id': 'failed' } }),
    ]);
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual(others.map(() => 200));
    for (const [id, answer] of [
      ['crashed', crashed],
      ['failed', failed],
    ] as const) {
      expect(answer.status).toBe(500);
      expect(answer.json.error).toMatchObject({ code: 'inference_failed', retryable: true, request_id: id });
      const own = lines.filter((line) => line.request_id === id);
      expect(own.map(({ message }) => message)).toEqual(
        expect.arrayContaining(['request_received', 'request_completed']),
      );
      expect(own.at(-1)).toMatchObject({ level: 'error', status: 500, error_code: 'inference_failed' });
      await telemetry.flush();
      const spans = await sink.spansOf(answer.json.error.trace_id);
      expect(spans.find(({ name }) => name === 'POST /predict')).toMatchObject({
        failed: true,
        attributes: { request_id: id, 'error.type': 'inference_failed' },
      });
      const { text } = await telemetry.metrics.text('application/openmetrics-text');
      expect(text).toMatch(
        /http_request_duration_seconds_bucket\{[^\n]*status="5xx"\}[^\n]*request_id="(crashed|failed)"/,
      );
    }
    expect(lines.find(({ message }) => message === 'inference_worker_crashed')).toMatchObject({ failed_tasks: 1 });
    await gateway.shutdown();
    await telemetry.shutdown();
    await sink.stop();
  });
});

/** The worker's share stands at its true time: inside its parent, in order, as long as the answer says. */
function expectTrueTimes(spans: readonly SeenSpan[], timings: Readonly<Record<string, number>>): void {
  const by = Object.fromEntries(spans.map((span) => [span.name, span])) as Record<string, SeenSpan>;
  const server = by['POST /predict'] as SeenSpan;
  const inference = by.model_inference as SeenSpan;
  const SLACK_US = 150;
  for (const span of spans) {
    expect(span.startUs).toBeGreaterThanOrEqual(server.startUs - SLACK_US);
    expect(span.endUs).toBeLessThanOrEqual(server.endUs + SLACK_US);
  }
  for (const name of STAGES.filter((stage) => stage !== 'forward_pass'))
    expect(by[name]?.parentSpanId).toBe(server.spanId);
  expect(by.forward_pass?.parentSpanId).toBe(inference.spanId);
  expect(by.forward_pass?.startUs).toBeGreaterThanOrEqual(inference.startUs - 1);
  const starts = ['validate_input', 'queue_wait', 'tokenize', 'model_inference', 'format_response'].map(
    (name) => by[name]?.startUs as number,
  );
  for (let i = 1; i < starts.length; i++)
    expect(starts[i]).toBeGreaterThanOrEqual((starts[i - 1] as number) - SLACK_US);
  expect(Math.abs(inference.endUs - inference.startUs - (timings.inference as number) * 1e3)).toBeLessThan(SLACK_US);
}
