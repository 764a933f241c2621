import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, type ContextManager, context, createContextKey, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { WorkRecord } from './record.js';

const RECORD_KEY = createContextKey('throughline work record');

/** An OpenTelemetry context that finds the work record in one step, however deep it is. */
class LinkedContext implements Context {
  readonly #parent: Context;
  readonly #key: symbol;
  readonly #value: unknown;
  readonly record: WorkRecord | undefined;

  constructor(parent: Context, key: symbol, value: unknown) {
    this.#parent = parent;
    this.#key = key;
    this.#value = value;
    this.record = key === RECORD_KEY ? (value as WorkRecord | undefined) : recordOf(parent);
  }

  getValue(key: symbol): unknown {
    return key === this.#key ? this.#value : this.#parent.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return new LinkedContext(this, key, value);
  }

  deleteValue(key: symbol): Context {
    return new LinkedContext(this, key, undefined);
  }
}

/** The work record that a context belongs to. */
export function recordOf(of: Context): WorkRecord | undefined {
  return of instanceof LinkedContext ? of.record : (of.getValue(RECORD_KEY) as WorkRecord | undefined);
}

/** The work record of the code that is running. */
export const currentRecord = (): WorkRecord | undefined => recordOf(context.active());

/**
 * A context in which `record` is current and `spanId` is the parent of whatever spans are started. Without `spanId`,
 * a span of the record's trace that is active already stays it, else it is the record's own.
 */
export function contextOf(record: WorkRecord, spanId?: string): Context {
  const { traceId, sampled } = record.trace;
  const active = context.active();
  const sameTrace = trace.getSpanContext(active)?.traceId === traceId;
  // Of what is active only the record's own trace is kept: another request must not be held on to.
  const kept = sameTrace ? active : ROOT_CONTEXT;
  const base = recordOf(active) === record ? active : new LinkedContext(kept, RECORD_KEY, record);
  if (spanId === undefined && sameTrace) return base;
  return trace.setSpanContext(base, { traceId, spanId: spanId ?? record.trace.spanId, traceFlags: sampled ? 1 : 0 });
}

/** The span that new spans of the running code hang below. */
export const currentSpanId = (): string | undefined => trace.getSpanContext(context.active())?.spanId;

/**
 * Calls `run` with `record` as the current work, for as long as its asynchronous work lasts.
 * Everything started inside (timers, promises, emitters) belongs to the record.
 */
export function runWith<Result>(record: WorkRecord, run: () => Result): Result {
  return context.with(contextOf(record), run);
}

/** Calls `run` outside any work, so that what it starts (long-lived timers, pools) does not hold on to the request. */
export function detached<Result>(run: () => Result): Result {
  return context.with(ROOT_CONTEXT, run);
}

/** OpenTelemetry's context and ours in one AsyncLocalStorage: each further one costs on every await on Node 20. */
export function createContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...rest) => storage.run(active, () => run.apply(self as never, rest)),
    bind: (bound, target) =>
      typeof target === 'function'
        ? (function (this: unknown, ...rest: unknown[]) {
            return storage.run(bound, () => target.apply(this, rest));
          } as typeof target)
        : target,
    enable: () => manager,
    disable: () => {
      storage.disable();
      return manager;
    },
  };
  return manager;
}
