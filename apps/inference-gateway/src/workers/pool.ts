import { Worker } from 'node:worker_threads';
import { CodedError, detached, type TaskContext } from '@throughline/sdk';
import type { ClassifiedBatch } from '../domain/prediction.js';
import type { FromWorker, LoadMemory, ToWorker, WorkerData } from './protocol.js';

/** What happens in the pool that someone may want to log or count. */
export type PoolEvent =
  | {
      readonly type: 'worker_ready';
      readonly workerId: number;
      readonly executionProvider: string;
      readonly memory: LoadMemory;
    }
  | {
      readonly type: 'worker_crashed';
      readonly workerId: number;
      readonly error: unknown;
      readonly failedTasks: number;
    }
  | { readonly type: 'task_failed'; readonly workerId: number; readonly context: TaskContext; readonly error: unknown };

export interface PoolOptions {
  /** Compiled file that a worker runs. */
  readonly entry: URL;
  readonly workerData: WorkerData;
  readonly size: number;
  /** Most tasks that wait; one more is refused. */
  readonly maxQueue: number;
  readonly taskTimeoutMs: number;
  readonly onEvent: (event: PoolEvent) => void;
}

export interface PoolState {
  readonly queued: number;
  readonly starting: number;
  readonly idle: number;
  readonly busy: number;
}

export interface WorkerPool {
  /**
   * Runs texts in one pass of one worker.
   *
   * @throws CodedError `overloaded` when the queue is full, `inference_timeout`, `inference_failed` when the worker
   *   failed or crashed, `not_ready` when the pool is stopping; or the reason of `signal`, while the task waits.
   */
  run(
    texts: readonly string[],
    options: { readonly context: TaskContext; readonly signal?: AbortSignal },
  ): Promise<ClassifiedBatch>;
  state(): PoolState;
  /** Lets running and waiting tasks finish, then ends the workers. A worker is never stopped inside a run. */
  shutdown(): Promise<void>;
}

interface Task {
  readonly id: number;
  readonly texts: readonly string[];
  readonly context: TaskContext;
  readonly resolve: (batch: ClassifiedBatch) => void;
  /** Answers the caller; further answers are ignored. */
  readonly reject: (error: unknown) => void;
}

interface Slot {
  readonly id: number;
  worker: Worker;
  state: 'starting' | 'idle' | 'busy' | 'stopped';
  task: Task | undefined;
  crashes: number;
}

const MOST_RESTART_DELAY_MS = 5000;
/** How much one new measurement moves the mean service time that `Retry-After` is computed from. */
const SMOOTHING = 0.1;

/** Starts worker threads and hands them one task each; the pool is the only owner of the queue. */
export function startWorkerPool(options: PoolOptions): WorkerPool {
  const queue: Task[] = [];
  const slots: Slot[] = [];
  let lastId = 0;
  let stopping = false;
  let meanMs = 10;
  let onQuiet: (() => void) | undefined;

  const send = (slot: Slot, message: ToWorker): void => slot.worker.postMessage(message);

  const dispatch = (): void => {
    for (const slot of slots) {
      if (slot.state !== 'idle') continue;
      const task = queue.shift();
      if (task === undefined) break;
      slot.state = 'busy';
      slot.task = task;
      send(slot, { type: 'classify', id: task.id, texts: task.texts, context: task.context });
    }
    if (stopping && queue.length === 0 && !slots.some((slot) => slot.state === 'busy')) onQuiet?.();
  };

  const release = (slot: Slot): void => {
    slot.state = 'idle';
    slot.task = undefined;
    dispatch();
  };

  const onMessage = (slot: Slot, message: FromWorker): void => {
    const { task } = slot;
    switch (message.type) {
      case 'ready':
        slot.crashes = 0;
        options.onEvent({ ...message, type: 'worker_ready', workerId: slot.id });
        break;
      case 'classified': {
        const { classifications, times } = message;
        meanMs += SMOOTHING * (times.endedAt - times.startedAt - meanMs);
        task?.resolve({ classifications, times, workerId: slot.id });
        break;
      }
      case 'failed': {
        const cause = Object.assign(new Error(message.error.message), message.error);
        options.onEvent({ type: 'task_failed', workerId: slot.id, context: message.context, error: cause });
        task?.reject(new CodedError('inference_failed', undefined, { cause }));
        break;
      }
      default:
        message satisfies never;
    }
    release(slot);
  };

  const onExit = (slot: Slot, error: unknown): void => {
    if (slot.state === 'stopped') return;
    const { task } = slot;
    slot.state = 'starting';
    slot.task = undefined;
    task?.reject(new CodedError('inference_failed', 'The worker that ran this prediction crashed.', { cause: error }));
    options.onEvent({ type: 'worker_crashed', workerId: slot.id, error, failedTasks: task === undefined ? 0 : 1 });
    if (stopping) {
      slot.state = 'stopped';
      dispatch();
      return;
    }
    const delay = Math.min(MOST_RESTART_DELAY_MS, slot.crashes === 0 ? 0 : 100 * 2 ** (slot.crashes - 1));
    slot.crashes++;
    setTimeout(() => {
      if (stopping) slot.state = 'stopped';
      else startWorker(slot);
    }, delay);
  };

  const startWorker = (slot: Slot): void => {
    const worker = new Worker(options.entry, {
      workerData: options.workerData,
      name: `inference-${slot.id}`,
      // What a task leaves behind is small: a small nursery costs no throughput and saves 5 to 10 MB a worker.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    let failure: unknown;
    worker.on('message', (message: FromWorker) => onMessage(slot, message));
    worker.on('error', (error) => {
      failure = error;
    });
    worker.on('exit', (code) => onExit(slot, failure ?? new Error(`The worker left with status ${code}.`)));
    slot.worker = worker;
  };

  // Workers outlive the request during which one may be restarted.
  detached(() => {
    for (let id = 1; id <= options.size; id++) {
      const slot = { id, state: 'starting', task: undefined, crashes: 0 } as unknown as Slot;
      slots.push(slot);
      startWorker(slot);
    }
  });

  const count = (state: Slot['state']): number => slots.filter((slot) => slot.state === state).length;

  return {
    run(texts, { context, signal }) {
      if (stopping) return Promise.reject(new CodedError('not_ready', 'The service is stopping.'));
      if (queue.length >= options.maxQueue) {
        const seconds = Math.max(1, Math.ceil((queue.length * meanMs) / options.size / 1e3));
        return Promise.reject(new CodedError('overloaded', undefined, { retryAfterSeconds: seconds }));
      }
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
        };
        const task: Task = {
          id: ++lastId,
          texts,
          context,
          resolve: (batch) => {
            leave();
            resolve(batch);
          },
          reject: (error) => {
            leave();
            reject(error);
          },
        };
        const withdraw = (error: unknown): void => {
          const place = queue.indexOf(task);
          if (place !== -1) queue.splice(place, 1);
          task.reject(error);
        };
        // A run cannot be cancelled: the caller gets its answer, the worker stays set aside until the run returns.
        const timer = setTimeout(() => withdraw(new CodedError('inference_timeout')), options.taskTimeoutMs);
        const onAbort = (): void => withdraw(signal?.reason);
        if (signal?.aborted) return onAbort();
        signal?.addEventListener('abort', onAbort, { once: true });
        queue.push(task);
        dispatch();
      });
    },
    state: () => ({ queued: queue.length, starting: count('starting'), idle: count('idle'), busy: count('busy') }),
    async shutdown() {
      stopping = true;
      await new Promise<void>((resolve) => {
        onQuiet = resolve;
        dispatch();
      });
      await Promise.all(
        slots.map((slot) => {
          const alive = slot.state !== 'stopped' && slot.worker.threadId !== -1;
          slot.state = 'stopped';
          if (!alive) return undefined;
          return new Promise<void>((resolve) => {
            slot.worker.once('exit', () => resolve());
            send(slot, { type: 'stop' });
          });
        }),
      );
    },
  };
}
