import type { Context } from '@opentelemetry/api';
import type { BatchSpanProcessor, ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import { recordOf } from '../context/active.js';
import type { WorkRecord } from '../context/record.js';
import { cleanAttributes } from './spans.js';

/** The bounded way out: takes a trace whole or, when too much is waiting already, not at all. */
export class Outbox {
  readonly #batch: BatchSpanProcessor;
  readonly #limit: number;
  readonly #onDrop: (spans: number) => void;
  #waiting = 0;

  constructor(batch: BatchSpanProcessor, limit: number, onDrop: (spans: number) => void) {
    this.#batch = batch;
    this.#limit = limit;
    this.#onDrop = onDrop;
  }

  send(spans: readonly ReadableSpan[]): boolean {
    if (this.#waiting + spans.length > this.#limit) {
      this.#onDrop(spans.length);
      return false;
    }
    this.#waiting += spans.length;
    for (const span of spans) this.#batch.onEnd(span);
    return true;
  }

  settled(spans: number): void {
    this.#waiting -= spans;
  }
}

/** Most spans of other libraries kept for one unit of work while its end, and so the decision, is awaited. */
const MOST_CHILD_SPANS = 512;

/**
 * Holds the spans that other libraries make inside a unit of work until it ends, to be exported or dropped with it.
 * The decision covers this process's part of a trace; spans that end later follow it.
 */
export class ChildSpans implements SpanProcessor {
  readonly #owners = new WeakMap<object, WorkRecord>();
  readonly #waiting = new WeakMap<WorkRecord, ReadableSpan[]>();
  readonly #outbox: Outbox;
  readonly #onDrop: (spans: number) => void;

  constructor(outbox: Outbox, onDrop: (spans: number) => void) {
    this.#outbox = outbox;
    this.#onDrop = onDrop;
  }

  onStart(span: Span, parentContext: Context): void {
    const record = recordOf(parentContext);
    if (record !== undefined) this.#owners.set(span, record);
  }

  onEnd(span: ReadableSpan): void {
    Object.assign(span.attributes, cleanAttributes(span.attributes));
    const record = this.#owners.get(span);
    if (record === undefined || record.kept !== undefined) {
      if (record?.kept !== false) this.#outbox.send([span]);
      return;
    }
    const waiting = this.#waiting.get(record);
    if (waiting === undefined) this.#waiting.set(record, [span]);
    else if (waiting.length < MOST_CHILD_SPANS) waiting.push(span);
    else this.#onDrop(1);
  }

  /** Gives out the spans of a record that has ended. */
  take(record: WorkRecord): readonly ReadableSpan[] {
    const waiting = this.#waiting.get(record) ?? [];
    this.#waiting.delete(record);
    return waiting;
  }

  forceFlush = async (): Promise<void> => {};
  shutdown = async (): Promise<void> => {};
}
