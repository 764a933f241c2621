import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { type ErrorCode, errorCatalog, type Observability, startObservability } from '@throughline/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { send, sendRaw } from '../../../tests/support/http.ts';
import { until } from '../../../tests/support/until.ts';

/** What the app of an adapter is made with. */
export interface AppContext {
  readonly telemetry: Observability;
  /** What `/ready` says is missing. */
  readonly missing: () => string | undefined;
  /** To be told when the signal of `/slow` fires, with the request's ID. */
  readonly onGone: (id: string) => void;
}

/**
 * An app with the routes that the suite asks for:
 * `GET /items/:id` (below a mount where there are any) and `POST /echo` (JSON, at most 100 bytes) answer with what they
 * got and `seen`, the current request's ID; `/private` asks for a key; `/throws`, `/rejects`, `/slow`, `/stream`, `/breaks` do so; `/health`,
 * `/ready`, `/metrics` are the adapter's.
 */
export interface Adapter {
  readonly start: (context: AppContext) => Promise<{ readonly url: string; readonly stop: () => Promise<void> }>;
  readonly bodyErrors: readonly {
    readonly what: string;
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly code: ErrorCode;
  }[];
}

type Line = Readonly<Record<string, unknown>>;
/** The keys that `/private` asks for. */
export const SECRET = 'k3y-'.repeat(12);
export const KEYS = [{ id: 'shop', sha256: createHash('sha256').update(SECRET).digest('hex'), tenantId: 'acme' }];
export const JSON_HEADERS = { 'content-type': 'application/json' };

/** What every adapter must do, whatever its framework. */
export function describeAdapter(name: string, { start, bodyErrors }: Adapter): void {
  describe(name, () => {
    const lines: Line[] = [];
    const gone: string[] = [];
    let telemetry: Observability;
    let app: Awaited<ReturnType<Adapter['start']>>;
    let url: string;
    let missing: string | undefined;

    beforeAll(async () => {
      telemetry = startObservability({
        service: 'shop',
        guardProcess: false,
        environment: {},
        logDestination: { write: (line) => lines.push(JSON.parse(line) as Line) },
      });
      app = await start({ telemetry, missing: () => missing, onGone: (id) => gone.push(id) });
      url = app.url;
    });
    afterAll(async () => {
      await app.stop();
      await telemetry.shutdown();
    });

    /** The line `request_completed` of a request. */
    const completed = (id: string) =>
      until(`the end of ${id}`, () =>
        lines.find((line) => line.message === 'request_completed' && line.request_id === id),
      );

    test('an accepted ID is in the context, both log lines and the response; the route is its template', async () => {
      const answer = await send(`${url}/items/42?q=1`, {
        headers: { 'x-request-id': 'mine', 'x-correlation-id': 'flow-1' },
      });
      expect(answer.json).toEqual({ id: '42', seen: 'mine' });
      expect(answer.headers).toMatchObject({ 'x-request-id': 'mine', 'x-correlation-id': 'flow-1' });
      const end = await completed('mine');
      expect(answer.headers['server-timing']).toBe(`trace;desc="00-${end.trace_id}-${end.span_id}-01"`);
      expect(end).toMatchObject({
        correlation_id: 'flow-1',
        method: 'GET',
        endpoint: '/items/:id',
        status: 200,
        outcome: 'ok',
      });
      expect(lines.find((line) => line.message === 'request_received' && line.request_id === 'mine')).toMatchObject({
        path: '/items/42',
      });
    });

    test('a hostile ID is replaced and never reflected', async () => {
      for (const id of ['a b', '<b>', 'x'.repeat(200), '../../etc/passwd', 'a;b', "' OR 1=1"]) {
        const answer = await send(`${url}/items/1`, { headers: { 'x-request-id': id, 'x-correlation-id': id } });
        expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
        expect(answer.headers['x-correlation-id']).toMatch(/^[0-9a-f]{32}$/);
        expect(JSON.stringify([answer.headers, answer.text])).not.toContain(id);
      }
      const twice = await sendRaw(
        url,
        `GET /items/1 HTTP/1.1\r\nHost: x\r\nX-Request-ID: one\r\nX-Request-ID: two\r\nConnection: close\r\n\r\n`,
      );
      expect(twice).toMatch(/X-Request-ID: [0-9a-f-]{36}\r\n/);
    });

    test('the context survives a parsed body', async () => {
      const answer = await send(`${url}/echo`, {
        method: 'POST',
        body: '{"a":1}',
        headers: { 'content-type': 'application/json', 'x-request-id': 'posted' },
      });
      expect(answer.json).toEqual({ body: { a: 1 }, seen: 'posted' });
    });

    test.each(bodyErrors)('$what gets its code in the one JSON shape', async ({ body, headers, code }) => {
      const answer = await send(`${url}/echo`, { method: 'POST', body, headers });
      expect(answer.status).toBe(errorCatalog[code].status);
      expect(answer.json.error).toMatchObject({ code, retryable: false, request_id: answer.headers['x-request-id'] });
      expect(await completed(String(answer.headers['x-request-id']))).toMatchObject({
        error_code: code,
        outcome: 'rejected',
      });
    });

    test('a thrown error says nothing of its inside to the client, and all but the secrets to the log', async () => {
      const answer = await send(`${url}/throws`, { headers: { 'x-request-id': 'thrown' } });
      expect(answer.status).toBe(500);
      expect(answer.json.error).toMatchObject({ code: 'internal_error', request_id: 'thrown' });
      expect(answer.text).not.toMatch(/hunter2|stack|\.ts/);
      const end = await completed('thrown');
      expect(end).toMatchObject({ level: 'error', status: 500, outcome: 'failed' });
      expect(JSON.stringify(end)).toContain('in the stack');
      expect(JSON.stringify(end)).not.toContain('hunter2');
    });

    test('a coded error carries its details and when to come again', async () => {
      const answer = await send(`${url}/rejects`);
      expect(answer.status).toBe(429);
      expect(answer.headers['retry-after']).toBe('3');
      expect(answer.json.error).toMatchObject({ code: 'overloaded', retryable: true, details: { queue: 7 } });
    });

    test('a key is asked for, in either header; what is wrong is a security event, and its key in no log', async () => {
      const ask = (headers: Readonly<Record<string, string>>) => send(`${url}/private`, { headers });
      expect((await ask({ 'x-api-key': SECRET, 'x-request-id': 'keyed' })).json).toEqual({ seen: 'keyed' });
      expect((await ask({ authorization: `Bearer ${SECRET}` })).status).toBe(200);
      expect(await completed('keyed')).toMatchObject({ tenant_id: 'acme', endpoint: '/private' });
      const wrong = [
        {},
        { 'x-api-key': `${SECRET}x` },
        { 'x-api-key': 'y'.repeat(5000) },
        { authorization: `Basic ${SECRET}` },
      ];
      for (const [i, headers] of wrong.entries()) {
        const answer = await ask({ ...headers, 'x-request-id': `wrong-${i}` });
        expect([answer.status, answer.headers['www-authenticate'], answer.json.error.code]).toEqual([
          401,
          'Bearer',
          'unauthorized',
        ]);
        const event = lines.find(
          (line) => line.message === 'authentication_failed' && line.request_id === `wrong-${i}`,
        );
        expect(event).toMatchObject({
          level: 'warn',
          security: true,
          reason: i === 0 || i === 3 ? 'missing' : 'unknown',
        });
      }
      expect(JSON.stringify(lines)).not.toContain(SECRET);
      const { text } = await telemetry.metrics.text();
      expect(text).toContain('auth_failures_total{reason="missing"} 2');
      expect(text).toContain('auth_failures_total{reason="unknown"} 2');
    });

    test('a client that leaves is seen to leave: signal, outcome, metric', async () => {
      await expect(send(`${url}/slow`, { headers: { 'x-request-id': 'leaver' }, abortAfterMs: 50 })).rejects.toThrow();
      expect(await completed('leaver')).toMatchObject({ outcome: 'aborted', endpoint: '/slow' });
      expect(gone).toContain('leaver');
      expect((await telemetry.metrics.text()).text).toContain(
        'http_requests_total{method="GET",endpoint="/slow",status="aborted"} 1',
      );
    });

    test('a response that breaks in the middle is cut, not padded with an error', async () => {
      await expect(send(`${url}/breaks`, { headers: { 'x-request-id': 'broken' } })).rejects.toThrow();
      expect(await completed('broken')).toMatchObject({ outcome: 'aborted' });
    });

    test('streams, HEAD and unknown paths end in one line each', async () => {
      expect((await send(`${url}/stream`)).text).toBe('0\n1\n2\n');
      expect((await send(`${url}/stream`, { method: 'HEAD', headers: { 'x-request-id': 'head' } })).status).toBe(200);
      expect(await completed('head')).toMatchObject({ method: 'HEAD', endpoint: '/stream' });
      const unknown = await send(`${url}/wp-login.php`, { headers: { 'x-request-id': 'scan' } });
      expect(unknown.json.error.code).toBe('not_found');
      expect(await completed('scan')).toMatchObject({ endpoint: '<unmatched>', status: 404 });
    });

    test('requests on one connection, one after the other and pipelined, keep apart', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const ids = Array.from({ length: 20 }, (_, i) => `kept-${i}`);
      const answers = await Promise.all(
        ids.map((id) => send(`${url}/items/1`, { agent, headers: { 'x-request-id': id } })),
      );
      expect(answers.map(({ json }) => json.seen)).toEqual(ids);
      agent.destroy();
      const piped = ids.map(
        (id) =>
          `GET /items/${id} HTTP/1.1\r\nHost: x\r\nX-Request-ID: p-${id}\r\n${id === 'kept-19' ? 'Connection: close\r\n' : ''}\r\n`,
      );
      const text = await sendRaw(url, piped.join(''));
      expect([...text.matchAll(/"seen":"([^"]+)"/g)].map(([, id]) => id)).toEqual(ids.map((id) => `p-${id}`));
    });

    test('probes and scrapes answer, and are not worth a log line', async () => {
      expect((await send(`${url}/health`)).json).toMatchObject({ status: 'ok', service: 'shop' });
      expect((await send(`${url}/ready`)).json).toEqual({ status: 'ready' });
      missing = 'The model is not loaded yet.';
      const answer = await send(`${url}/ready`);
      expect([answer.status, answer.json.error.code, answer.json.error.message]).toEqual([503, 'not_ready', missing]);
      missing = undefined;
      const scrape = await send(`${url}/metrics`, {
        headers: { accept: 'application/openmetrics-text', 'x-request-id': 'scrape' },
      });
      expect(scrape.headers['content-type']).toMatch(/^application\/openmetrics-text/);
      expect(lines.some((line) => line.request_id === 'scrape')).toBe(false);
    });

    test('a connection that says nothing and leaves harms nothing', async () => {
      const before = telemetry.http.inProgress;
      await new Promise<void>((resolve) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.destroy());
        socket.on('close', () => resolve());
      });
      expect(telemetry.http.inProgress).toBe(before);
    });
  });
}
