import type { IncomingMessage } from 'node:http';
import {
  clientGone,
  type Handler,
  health,
  metrics,
  notFound,
  observe,
  ready,
  requireApiKey,
} from '@throughline/middleware/http';
import { CodedError, currentRecord } from '@throughline/sdk';
import { listen } from '../../../tests/support/http.ts';
import { describeAdapter, JSON_HEADERS, KEYS } from './adapter.case.ts';

const pathOf = (request: IncomingMessage): string => new URL(request.url ?? '/', 'http://x').pathname;

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 100) throw new CodedError('payload_too_large');
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError('malformed_json', undefined, { cause });
  }
}

describeAdapter('node:http', {
  async start({ telemetry, missing, onGone }) {
    const routes: Readonly<Record<string, Handler>> = {
      '/items/:id': (request, response) => {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ id: pathOf(request).slice(7), seen: currentRecord()?.requestId }));
      },
      '/echo': async (request, response) => {
        const body = await readJson(request);
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ body, seen: currentRecord()?.requestId }));
      },
      '/private': requireApiKey(telemetry, KEYS, (_request, response) => {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ seen: currentRecord()?.requestId }));
      }),
      '/throws': () => {
        throw new Error('password=hunter2 in the stack');
      },
      '/rejects': async () => {
        throw new CodedError('overloaded', undefined, { retryAfterSeconds: 3, details: { queue: 7 } });
      },
      '/slow': (request, response) => {
        clientGone(response).addEventListener('abort', () => onGone(String(request.headers['x-request-id'])));
      },
      '/stream': (_request, response) => {
        for (let i = 0; i < 3; i++) response.write(`${i}\n`);
        response.end();
      },
      '/breaks': async (_request, response) => {
        response.write('half');
        throw new Error('too late');
      },
      '/health': health(telemetry),
      '/ready': ready(missing),
      '/metrics': metrics(telemetry),
    };
    const routeOf = (request: IncomingMessage): string | undefined => {
      const path = pathOf(request);
      if (path.startsWith('/items/')) return '/items/:id';
      return path in routes ? path : undefined;
    };
    const handler: Handler = (request, response) => (routes[routeOf(request) ?? ''] ?? notFound)(request, response);
    return listen(observe(telemetry, handler, routeOf));
  },
  bodyErrors: [
    { what: 'malformed JSON', body: '{"a":', headers: JSON_HEADERS, code: 'malformed_json' },
    {
      what: 'a body too large',
      body: JSON.stringify('x'.repeat(200)),
      headers: JSON_HEADERS,
      code: 'payload_too_large',
    },
  ],
});
