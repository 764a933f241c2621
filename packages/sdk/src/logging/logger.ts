import { context, trace } from '@opentelemetry/api';
import { type Bindings, type DestinationStream, type LogFn, type Logger, pino } from 'pino';
import { logFields } from '../catalog/names.js';
import { recordOf } from '../context/active.js';
import type { WorkRecord } from '../context/record.js';
import { redact, redactText } from '../redaction/redact.js';

export interface LoggingOptions {
  readonly service: string;
  readonly enabled: boolean;
  readonly level: string;
  /** Where lines go; standard output when not given. */
  readonly destination?: DestinationStream;
}

export interface Logging {
  /** For the service: adds the IDs of the current work to each line, and hides secrets. */
  readonly log: Logger;
  /** For our own events, whose fields are known to be clean and complete. */
  readonly events: Logger;
  /** A value as a log line may show it. */
  clean(value: unknown): unknown;
  /** Writes out what is buffered, before it returns. */
  flush(): void;
}

const ERROR_LEVEL = 50;

/** The IDs that tie a log line to its request and span. */
export function identityFields(record: WorkRecord, spanId: string): Record<string, unknown> {
  return {
    [logFields.requestId]: record.requestId,
    [logFields.correlationId]: record.correlationId,
    [logFields.traceId]: record.trace.traceId,
    [logFields.spanId]: spanId,
    ...(record.tenantId === undefined ? {} : { [logFields.tenantId]: record.tenantId }),
  };
}

function currentIdentity(): Record<string, unknown> {
  const active = context.active();
  const record = recordOf(active);
  const span = trace.getSpanContext(active);
  if (record !== undefined) return identityFields(record, span?.spanId ?? record.trace.spanId);
  return span === undefined ? {} : { [logFields.traceId]: span.traceId, [logFields.spanId]: span.spanId };
}

/** JSON lines by pino, buffered on the main thread; lines from `error` up are written at once. */
export function createLogging(options: LoggingOptions): Logging {
  const level = options.enabled ? options.level : 'silent';
  const buffered = options.destination
    ? undefined
    : pino.destination({ fd: 1, sync: false, minLength: 4096, periodicFlush: 100 });
  const destination = options.destination ?? (buffered as DestinationStream);
  const flush = (): void => {
    try {
      buffered?.flushSync();
    } catch {
      // Standard output is gone or was never ready: there is nowhere left to say so.
    }
  };
  const shared = {
    level,
    base: { [logFields.service]: options.service },
    messageKey: logFields.message,
    errorKey: logFields.error,
    // Errors are made plain by the redaction policy, causes included.
    serializers: { [logFields.error]: (error: unknown) => error },
    timestamp: () => `,"${logFields.timestamp}":"${new Date().toISOString()}"`,
  };
  const label = (name: string) => ({ [logFields.level]: name });
  const log = pino(
    {
      ...shared,
      mixin: currentIdentity,
      formatters: {
        level: label,
        log: (fields) => redact(fields) as Record<string, unknown>,
        bindings: (fields) => redact(fields) as Record<string, unknown>,
      },
      hooks: {
        logMethod(args: unknown[], method: LogFn, lineLevel: number) {
          const clean = args.map((arg) => (typeof arg === 'string' ? redactText(arg) : arg));
          if (clean.length === 1 && clean[0] instanceof Error) clean.push(redactText(clean[0].message));
          method.apply(this, clean as Parameters<LogFn>);
          if (lineLevel >= ERROR_LEVEL) flush();
        },
      },
    },
    destination,
  );
  const makeChild = log.child;
  log.child = function child(this: Logger, bindings: Bindings, ...rest: []) {
    return makeChild.call(this, redact(bindings) as Bindings, ...rest);
  } as typeof log.child;
  const events = pino({ ...shared, formatters: { level: label } }, destination);
  return { log, events, clean: redact, flush };
}
