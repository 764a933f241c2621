import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGatewayProcess } from '../../../tests/support/child.ts';
import { predict, send, sendRaw } from '../../../tests/support/http.ts';

let gateway: Awaited<ReturnType<typeof startGatewayProcess>>;
beforeAll(async () => {
  gateway = await startGatewayProcess({ MAX_BODY_BYTES: '4096', MAX_TEXT_LENGTH: '2000', WORKERS: '1' });
});
afterAll(async () => {
  gateway.process.kill('SIGTERM');
  expect(await gateway.ended).toBe(0);
});

const post = (
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
) => send(`${gateway.url}/predict`, { method: 'POST', headers, body });

describe('POST /predict', () => {
  test('answers with label, scores, model, IDs, tokens and timings', async () => {
    const { status, json, headers } = await predict(gateway.url, 'A thoughtful, moving film.', {
      headers: { 'x-request-id': 'first' },
    });
    expect(status).toBe(200);
    expect(json).toEqual({
      label: 'POSITIVE',
      score: expect.any(Number),
      scores: { NEGATIVE: expect.any(Number), POSITIVE: json.score },
      model: 'sentiment',
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      request_id: 'first',
      correlation_id: json.trace_id,
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      tokens: 8,
      truncated: false,
      timings_ms: expect.any(Object),
    });
    const { total, ...parts } = json.timings_ms as Record<string, number>;
    expect(Object.keys(parts)).toEqual(['validate', 'queue', 'tokenize', 'inference', 'transfer', 'format']);
    expect(Object.values(parts).reduce((a, b) => a + b)).toBeCloseTo(total as number, 6);
    expect(headers['server-timing']).toContain(`inference;dur=${parts.inference}`);
    expect(headers['server-timing']).toMatch(/trace;desc="00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]"/);
    expect((await predict(gateway.url, 'A thoughtless, boring film.')).json.label).toBe('NEGATIVE');
  });

  test('says when a text was too long to be read whole', async () => {
    const { json } = await predict(gateway.url, 'ab '.repeat(600));
    expect(json).toMatchObject({ truncated: true, tokens: 512 });
  });

  test.each([
    ['malformed JSON', '{"text": "a', {}, 400, 'malformed_json'],
    ['an empty body', '', {}, 400, 'invalid_text'],
    ['a bare string', '"text"', {}, 400, 'malformed_json'],
    ['an array', '[1]', {}, 400, 'invalid_request'],
    ['no text', '{}', {}, 400, 'invalid_text'],
    ['text of the wrong type', '{"text":{"a":1}}', {}, 400, 'invalid_text'],
    ['an empty text', '{"text":"  "}', {}, 400, 'invalid_text'],
    ['a prototype', '{"__proto__":{"text":"a"}}', {}, 400, 'invalid_text'],
    ['a long text', JSON.stringify({ text: 'a'.repeat(2001) }), {}, 413, 'text_too_long'],
    ['a large body', JSON.stringify({ text: 'a'.repeat(5000) }), {}, 413, 'payload_too_large'],
    [
      'another content type',
      'text=a',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['no content type', '{"text":"a"}', { 'content-type': '' }, 415, 'unsupported_media_type'],
    ['an unknown encoding', '{"text":"a"}', { 'content-encoding': 'zip' }, 415, 'unsupported_media_type'],
    ['what claims to be gzip', '{"text":"a"}', { 'content-encoding': 'gzip' }, 400, 'invalid_request'],
  ])('refuses %s', async (_, body, headers, status, code) => {
    const answer = await post(body, { 'content-type': 'application/json', ...headers });
    expect([answer.status, answer.json?.error.code]).toEqual([status, code]);
    expect(answer.json.error).toEqual({
      code,
      message: expect.any(String),
      retryable: false,
      request_id: answer.headers['x-request-id'],
      correlation_id: answer.headers['x-correlation-id'],
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      ...(code === 'text_too_long' ? { details: { length: 2001, limit: 2000 } } : {}),
    });
  });

  test('other methods are told which one it is', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await send(`${gateway.url}/predict`, { method });
      expect([answer.status, answer.headers.allow, answer.json.error.code]).toEqual([
        405,
        'POST',
        'method_not_allowed',
      ]);
    }
  });

  test('accepts JSON with a charset, gzip, and structured suffixes', async () => {
    const { gzipSync } = await import('node:zlib');
    const body = JSON.stringify({ text: 'Great.', also: 'ignored' });
    expect((await post(body, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200);
    expect((await post(body, { 'content-type': 'application/vnd.api+json' })).status).toBe(200);
    expect(
      (await post(gzipSync(body), { 'content-type': 'application/json', 'content-encoding': 'gzip' })).status,
    ).toBe(200);
    const bomb = gzipSync(JSON.stringify({ text: 'a'.repeat(1e6) }));
    expect((await post(bomb, { 'content-type': 'application/json', 'content-encoding': 'gzip' })).status).toBe(413);
  });

  test('odd texts get an answer', async () => {
    for (const text of [
      '😀',
      '中文',
      '\u0000',
      '\ud800',
      'a'.repeat(2000),
      '[CLS] [SEP]',
      '\u202e gnortw',
      '{{7*7}}',
      '<script>',
    ]) {
      expect((await predict(gateway.url, text)).status).toBe(200);
    }
  });
});

describe('below HTTP', () => {
  test('bytes that are no HTTP get the same error shape, and IDs', async () => {
    const text = await sendRaw(gateway.url, 'HELLO\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toMatch(/\r\nX-Request-ID: [0-9a-f-]{36}\r\n/);
    expect(JSON.parse(text.slice(text.indexOf('{'))).error.code).toBe('malformed_http');
  });

  test('a request without any body is told so', async () => {
    const text = await sendRaw(gateway.url, 'POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(JSON.parse(text.slice(text.indexOf('{'))).error.code).toBe('malformed_json');
  });

  test('headers too large get 431', async () => {
    const text = await sendRaw(gateway.url, `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'a'.repeat(40_000)}\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(JSON.parse(text.slice(text.indexOf('{'))).error.code).toBe('headers_too_large');
  });
});

test('the event loop stays free while the model works', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  // 512 tokens each: some 50 ms of computing a text, which would show if it were done on the main thread.
  const text = 'a truly long review of a film that goes on '.repeat(44);
  const started = process.hrtime.bigint();
  const answers = await Promise.all(Array.from({ length: 64 }, () => predict(gateway.url, text, { agent })));
  const meanMs = Number(process.hrtime.bigint() - started) / 1e6 / answers.length;
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(answers.every(({ json }) => json.tokens > 300)).toBe(true);
  const { text: metrics } = await send(`${gateway.url}/metrics`);
  const p99 = Number(/^nodejs_eventloop_lag_p99_seconds ([\d.e-]+)$/m.exec(metrics)?.[1]);
  expect(p99).toBeGreaterThan(0);
  expect(p99 * 1e3).toBeLessThan(Math.max(25, 0.8 * meanMs));
  agent.destroy();
});

test('all series of the gateway fit the budget of 1,050, whatever clients ask for', async () => {
  for (let i = 0; i < 200; i++)
    await send(`${gateway.url}/${'x'.repeat(i % 20)}/${i}.php?q=${i}`, { method: i % 2 ? 'GET' : 'POST' });
  const { text } = await send(`${gateway.url}/metrics`);
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(series.length).toBeLessThan(1050);
  expect(series.filter((line) => line.startsWith('http_requests_total{')).length).toBeLessThan(20);
  expect(text).toMatch(/^model_memory_usage_bytes\{model="sentiment"\} [1-9]\d{6,}$/m);
  expect(text).toMatch(/^model_predictions_total\{model="sentiment",prediction_class="POSITIVE"\} [1-9]/m);
  expect(text).toMatch(/^inference_queue_size 0$/m);
});

test('a wrong setting or a missing model stops the start with a sentence', async () => {
  await expect(startGatewayProcess({ PORT: 'web' })).rejects.toThrow(/PORT is "web"/);
  await expect(startGatewayProcess({ MODEL_DIR: '/nowhere' })).rejects.toThrow(/There is no model in \/nowhere/);
  await expect(startGatewayProcess({ OTEL_TRACES_EXPORTER: 'smoke' })).rejects.toThrow(/OTEL_TRACES_EXPORTER/);
  await expect(startGatewayProcess({ PORT: new URL(gateway.url).port })).rejects.toThrow(/EADDRINUSE/);
});
