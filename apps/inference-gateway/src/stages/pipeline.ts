import { attributeNames, createSpanId, type Inference, monotonic, spanNames, type WorkRecord } from '@throughline/sdk';
import type { Classification, ClassifiedBatch, ModelIdentity, PredictAnswer } from '../domain/prediction.js';
import { formatAnswer, sumTimings } from './format.js';
import { parseText } from './validate.js';

/** Runs texts through the model; rejects with a `CodedError`. */
export type Classify = (
  texts: readonly string[],
  options: { readonly record: WorkRecord; readonly signal: AbortSignal },
) => Promise<ClassifiedBatch>;

export interface PipelineOptions {
  readonly classify: Classify;
  readonly inference: Inference;
  readonly model: ModelIdentity;
  readonly maxTextLength: number;
}

export interface Pipeline {
  /** validate → queue → tokenize → inference → format, each step noted in the request's record. */
  predict(
    body: unknown,
    options: { readonly record: WorkRecord; readonly signal: AbortSignal },
  ): Promise<PredictAnswer>;
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { classify, inference, model } = options;

  const validate = (body: unknown, record: WorkRecord, startedAt: number): string => {
    try {
      const text = parseText(body, options.maxTextLength);
      record.addStage(spanNames.validateInput, startedAt, monotonic());
      return text;
    } catch (error) {
      record.addStage(spanNames.validateInput, startedAt, monotonic(), { error });
      throw error;
    }
  };

  return {
    async predict(body, { record, signal }) {
      const startedAt = monotonic();
      const text = validate(body, record, startedAt);
      const validatedAt = monotonic();
      const batch = await classify([text], { record, signal });
      const receivedAt = monotonic();
      const [classification] = batch.classifications as [Classification];
      noteInference(record, batch, classification, { model, validatedAt });
      const answer = formatAnswer(classification, model, {
        requestId: record.requestId,
        correlationId: record.correlationId,
        traceId: record.trace.traceId,
      });
      const endedAt = monotonic();
      record.addStage(spanNames.formatResponse, receivedAt, endedAt);
      const { times } = batch;
      const timings = sumTimings({
        validate: validatedAt - startedAt,
        queue: times.startedAt - validatedAt,
        tokenize: times.tokenizedAt - times.startedAt,
        inference: times.endedAt - times.tokenizedAt,
        transfer: receivedAt - times.endedAt,
        format: endedAt - receivedAt,
      });
      inference.completed(
        {
          model: model.id,
          version: model.version,
          predictionClass: answer.label,
          confidence: answer.score,
          inferenceMs: timings.inference,
          durationMs: timings.total,
          tokens: answer.tokens,
          truncated: answer.truncated,
        },
        record,
      );
      return { ...answer, timings_ms: timings };
    },
  };
}

/** Notes what happened in the worker, with the worker's own times. */
function noteInference(
  record: WorkRecord,
  batch: ClassifiedBatch,
  classification: Classification,
  { model, validatedAt }: { model: ModelIdentity; validatedAt: number },
): void {
  const { times, workerId } = batch;
  const thread = { [attributeNames.threadId]: workerId };
  const spanId = createSpanId();
  record.addStage(spanNames.queueWait, validatedAt, times.startedAt);
  record.addStage(spanNames.tokenize, times.startedAt, times.tokenizedAt, {
    attributes: {
      ...thread,
      [attributeNames.inputTokens]: classification.tokens,
      [attributeNames.inputTruncated]: classification.truncated,
    },
  });
  record.addStage(spanNames.modelInference, times.tokenizedAt, times.endedAt, {
    spanId,
    attributes: {
      ...thread,
      [attributeNames.modelName]: model.id,
      [attributeNames.modelVersion]: model.version,
      [attributeNames.batchSize]: batch.classifications.length,
    },
  });
  record.addStage(spanNames.forwardPass, times.forwardStartedAt, times.forwardEndedAt, {
    parentSpanId: spanId,
    attributes: thread,
  });
}
