import { context } from '@opentelemetry/api';
import { contextOf, currentRecord, currentSpanId } from './active.js';
import { monotonic } from './clock.js';
import { createSpanId } from './ids.js';
import type { StageOptions } from './record.js';

/** Times one step of the current work, until its promise settles; spans started inside hang below it. */
export function runStage<Result>(
  name: string,
  run: () => Result,
  options: Pick<StageOptions, 'attributes'> = {},
): Result {
  const record = currentRecord();
  if (record === undefined) return run();
  const spanId = createSpanId();
  const parentSpanId = currentSpanId() ?? record.trace.spanId;
  const startedAt = monotonic();
  const end = (failure: { error?: unknown } = {}): void =>
    record.addStage(name, startedAt, monotonic(), { ...options, spanId, parentSpanId, ...failure });
  try {
    const result = context.with(contextOf(record, spanId), run);
    if (!(result instanceof Promise)) {
      end();
      return result;
    }
    return result.then(
      (value) => {
        end();
        return value;
      },
      (error: unknown) => {
        end({ error });
        throw error;
      },
    ) as Result;
  } catch (error) {
    end({ error });
    throw error;
  }
}
