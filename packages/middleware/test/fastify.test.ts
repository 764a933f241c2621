import { clientGone, health, metrics, observe, ready, requireApiKey } from '@throughline/middleware/fastify';
import { CodedError, currentRecord } from '@throughline/sdk';
import Fastify from 'fastify';
import { describeAdapter, JSON_HEADERS, KEYS } from './adapter.case.ts';

describeAdapter('Fastify 5', {
  async start({ telemetry, missing, onGone }) {
    const app = Fastify({ bodyLimit: 100, forceCloseConnections: true });
    await app.register(observe, { telemetry });
    await app.register(
      async (items) => {
        items.get<{ Params: { id: string } }>('/:id', async (request) => ({
          id: request.params.id,
          seen: currentRecord()?.requestId,
        }));
      },
      { prefix: '/items' },
    );
    app.post('/echo', async (request) => ({ body: request.body, seen: currentRecord()?.requestId }));
    app.get('/private', { onRequest: requireApiKey(telemetry, KEYS) }, async () => ({
      seen: currentRecord()?.requestId,
    }));
    app.get('/throws', () => {
      throw new Error('password=hunter2 in the stack');
    });
    app.get('/rejects', async () => {
      throw new CodedError('overloaded', undefined, { retryAfterSeconds: 3, details: { queue: 7 } });
    });
    app.get('/slow', (request, reply) => {
      clientGone(reply).addEventListener('abort', () => onGone(String(request.headers['x-request-id'])));
    });
    app.get('/stream', (_request, reply) => {
      reply.hijack();
      for (let i = 0; i < 3; i++) reply.raw.write(`${i}\n`);
      reply.raw.end();
    });
    app.get('/breaks', async (_request, reply) => {
      reply.raw.write('half');
      throw new Error('too late');
    });
    app.get('/health', health(telemetry));
    app.get('/ready', ready(missing));
    app.get('/metrics', metrics(telemetry));
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), stop: () => app.close() };
  },
  bodyErrors: [
    { what: 'malformed JSON', body: '{"a":', headers: JSON_HEADERS, code: 'malformed_json' },
    { what: 'an empty body', body: '', headers: JSON_HEADERS, code: 'malformed_json' },
    {
      what: 'a body too large',
      body: JSON.stringify('x'.repeat(200)),
      headers: JSON_HEADERS,
      code: 'payload_too_large',
    },
    { what: 'an unknown type', body: 'a: 1', headers: { 'content-type': 'text/yaml' }, code: 'unsupported_media_type' },
  ],
});
