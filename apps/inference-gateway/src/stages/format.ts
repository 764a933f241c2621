import type { Classification, ModelIdentity, PredictAnswer, Timings } from '../domain/prediction.js';
import { argmax } from '../domain/softmax.js';

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** Builds the answer of one prediction, without its timings: formatting is one of them. */
export function formatAnswer(
  classification: Classification,
  model: ModelIdentity,
  ids: { readonly requestId: string; readonly correlationId: string; readonly traceId: string },
): Omit<PredictAnswer, 'timings_ms'> {
  const { scores, tokens, truncated } = classification;
  const best = argmax(scores);
  return {
    label: model.labels[best] as string,
    score: round(scores[best] as number, 6),
    scores: Object.fromEntries(model.labels.map((label, i) => [label, round(scores[i] as number, 6)])),
    model: model.id,
    version: model.version,
    request_id: ids.requestId,
    correlation_id: ids.correlationId,
    trace_id: ids.traceId,
    tokens,
    truncated,
  };
}

/** Rounds the parts to microseconds and makes the total their sum. */
export function sumTimings(parts: Omit<Timings, 'total'>): Timings {
  const entries = Object.entries(parts).map(([name, value]) => [name, round(Math.max(0, value), 3)] as const);
  const total = round(
    entries.reduce((sum, [, value]) => sum + value, 0),
    3,
  );
  return { ...(Object.fromEntries(entries) as Omit<Timings, 'total'>), total };
}
