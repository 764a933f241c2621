import { context } from '@opentelemetry/api';
import { contextOf, currentRecord, currentSpanId } from './active.js';
import { monotonic } from './clock.js';
import { createSpanId } from './ids.js';
import type { RunningStage, StageOptions, WorkRecord } from './record.js';

/** A step that is noted in its record when it ends. */
function startNoted(record: WorkRecord, name: string, attributes: StageOptions['attributes']): RunningStage {
  const spanId = createSpanId();
  const parentSpanId = currentSpanId() ?? record.trace.spanId;
  const startedAt = monotonic();
  const options = attributes === undefined ? { spanId, parentSpanId } : { spanId, parentSpanId, attributes };
  return {
    context: contextOf(record, spanId),
    end: (failure) => record.addStage(name, startedAt, monotonic(), { ...options, ...failure }),
  };
}

/** Times one step of the current work, until its promise settles; spans started inside hang below it. */
export function runStage<Result>(
  name: string,
  run: () => Result,
  { attributes }: Pick<StageOptions, 'attributes'> = {},
): Result {
  const record = currentRecord();
  if (record === undefined) return run();
  const stage = record.startStage?.(name, attributes) ?? startNoted(record, name, attributes);
  try {
    const result = context.with(stage.context, run);
    if (!(result instanceof Promise)) {
      stage.end({});
      return result;
    }
    return result.then(
      (value) => {
        stage.end({});
        return value;
      },
      (error: unknown) => {
        stage.end({ error });
        throw error;
      },
    ) as Result;
  } catch (error) {
    stage.end({ error });
    throw error;
  }
}
