import { startObservability } from '@throughline/sdk';
import express from 'express';
// @ts-expect-error Express 4 under another name; its types are those of 5
import express4 from 'express4';
import { expect, test } from 'vitest';
import { send } from '../../../tests/support/http.ts';
import { describeAdapter } from './adapter.case.ts';
import { expressAdapter } from './express.case.ts';

describeAdapter('Express 5', expressAdapter(express));
describeAdapter('Express 4', expressAdapter(express4));

test('a path that cannot be decoded is refused as a request, not as a failure', async () => {
  const telemetry = startObservability({ guardProcess: false, environment: { LOG_LEVEL: 'silent' } });
  const app = await expressAdapter(express).start({ telemetry, missing: () => undefined, onGone: () => {} });
  const answer = await send(`${app.url}/items/%`);
  expect([answer.status, answer.json.error.code]).toEqual([400, 'invalid_request']);
  await app.stop();
  await telemetry.shutdown();
});
