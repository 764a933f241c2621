import type { WorkRecord } from '../context/record.js';

/** The IDs of a unit of work as plain data: what crosses to a worker thread, where no async context follows. */
export interface TaskContext {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

export function taskContextOf(record: WorkRecord): TaskContext {
  const { requestId, correlationId, trace } = record;
  return { requestId, correlationId, traceId: trace.traceId, spanId: trace.spanId, sampled: trace.sampled };
}
