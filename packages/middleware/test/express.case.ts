import {
  answerErrors,
  clientGone,
  health,
  metrics,
  notFound,
  observe,
  ready,
  requireApiKey,
} from '@throughline/middleware/express';
import { CodedError, currentRecord } from '@throughline/sdk';
import type express from 'express';
import { listen } from '../../../tests/support/http.ts';
import { type Adapter, JSON_HEADERS, KEYS } from './adapter.case.ts';

/** The app of the suite on a given version of Express. */
export function expressAdapter(createExpress: typeof express): Adapter {
  return {
    async start({ telemetry, missing, onGone }) {
      const app = createExpress();
      app.use(observe(telemetry));
      const items = createExpress.Router();
      items.get('/:id', (request, response) => {
        response.json({ id: request.params.id, seen: currentRecord()?.requestId });
      });
      app.use('/items', items);
      app.post('/echo', createExpress.json({ limit: 100 }), (request, response) => {
        response.json({ body: request.body, seen: currentRecord()?.requestId });
      });
      app.get('/private', requireApiKey(telemetry, KEYS), (_request, response) => {
        response.json({ seen: currentRecord()?.requestId });
      });
      app.get('/throws', () => {
        throw new Error('password=hunter2 in the stack');
      });
      app.get('/rejects', (_request, _response, next) => {
        next(new CodedError('overloaded', undefined, { retryAfterSeconds: 3, details: { queue: 7 } }));
      });
      app.get('/slow', (request, response) => {
        clientGone(response).addEventListener('abort', () => onGone(String(request.headers['x-request-id'])));
      });
      app.get('/stream', (_request, response) => {
        for (let i = 0; i < 3; i++) response.write(`${i}\n`);
        response.end();
      });
      app.get('/breaks', (_request, response, next) => {
        response.write('half');
        next(new Error('too late'));
      });
      app.get('/health', health(telemetry));
      app.get('/ready', ready(missing));
      app.get('/metrics', metrics(telemetry));
      app.use(notFound(), answerErrors());
      return listen(app);
    },
    bodyErrors: [
      { what: 'malformed JSON', body: '{"a":', headers: JSON_HEADERS, code: 'malformed_json' },
      {
        what: 'a body too large',
        body: JSON.stringify('x'.repeat(200)),
        headers: JSON_HEADERS,
        code: 'payload_too_large',
      },
      {
        what: 'an unknown encoding',
        body: '{}',
        headers: { ...JSON_HEADERS, 'content-encoding': 'rot13' },
        code: 'unsupported_media_type',
      },
      {
        what: 'an unknown charset',
        body: '{}',
        headers: { 'content-type': 'application/json; charset=klingon' },
        code: 'unsupported_media_type',
      },
    ],
  };
}
