import { clientGone } from '@throughline/middleware/express';
import { CodedError, currentRecord, type WorkRecord } from '@throughline/sdk';
import express, { type RequestHandler } from 'express';
import type { Timings } from '../../domain/prediction.js';
import type { Pipeline } from '../../stages/pipeline.js';

const JSON_TYPES = ['application/json', 'application/*+json'];

/** The timings as metrics of the `Server-Timing` header (https://www.w3.org/TR/server-timing/). */
const serverTiming = (timings: Timings): string =>
  Object.entries(timings)
    .map(([name, milliseconds]) => `${name};dur=${milliseconds}`)
    .join(', ');

/** Handlers of `POST /predict`: parse the body, run the pipeline, answer with label, scores, IDs and timings. */
export function predictRoute(pipeline: Pipeline, options: { readonly maxBodyBytes: number }): RequestHandler[] {
  const parseBody = express.json({ limit: options.maxBodyBytes, type: JSON_TYPES });
  const requireJson: RequestHandler = (request, _response, next) => {
    if (request.is(JSON_TYPES) !== false) return next();
    throw new CodedError(
      'unsupported_media_type',
      'Send the text as JSON, with the header Content-Type: application/json.',
    );
  };
  const predict: RequestHandler = async (request, response) => {
    if (request.body === undefined) throw new CodedError('malformed_json', 'The body is empty.');
    const record = currentRecord() as WorkRecord;
    const answer = await pipeline.predict(request.body, { record, signal: clientGone(response) });
    response.append('Server-Timing', serverTiming(answer.timings_ms)).json(answer);
  };
  return [requireJson, parseBody, predict];
}

/** Answers the methods that a path does not have. */
export function onlyMethod(method: string): RequestHandler {
  return (_request, response) => {
    response.setHeader('Allow', method);
    throw new CodedError('method_not_allowed', `This path answers ${method} only.`);
  };
}
