import type { TaskContext } from '@throughline/sdk/worker';
import type { Model } from '../domain/model.js';
import type { Classification, WorkerTimes } from '../domain/prediction.js';

/** Given to a worker at its start. */
export interface WorkerData {
  readonly model: Model;
  readonly threads: number;
}

/** Resident bytes of the process before and after the model was loaded. */
export interface LoadMemory {
  readonly before: number;
  readonly after: number;
}

export type ToWorker =
  | {
      readonly type: 'classify';
      readonly id: number;
      readonly texts: readonly string[];
      /** The IDs of the request, for whatever the worker has to say of it. */
      readonly context: TaskContext;
    }
  | { readonly type: 'stop' };

export type FromWorker =
  | { readonly type: 'ready'; readonly executionProvider: string; readonly memory: LoadMemory }
  | {
      readonly type: 'classified';
      readonly id: number;
      readonly classifications: readonly Classification[];
      readonly times: WorkerTimes;
    }
  | {
      readonly type: 'failed';
      readonly id: number;
      readonly context: TaskContext;
      readonly error: { readonly name: string; readonly message: string; readonly stack: string | undefined };
    };
