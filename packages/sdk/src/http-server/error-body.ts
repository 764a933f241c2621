import type { WorkRecord } from '../context/record.js';
import type { CodedError, ErrorBody } from '../errors.js';

/** The one shape of an error answer. What is not a `CodedError` says nothing of its inside. */
export function errorBody(error: CodedError, record: WorkRecord | undefined): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      ...(record === undefined
        ? {}
        : { request_id: record.requestId, correlation_id: record.correlationId, trace_id: record.trace.traceId }),
      ...(error.details === undefined ? {} : { details: error.details }),
    },
  };
}
