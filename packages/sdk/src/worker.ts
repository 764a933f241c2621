/** The part of the SDK that a worker thread needs: it loads no logger, metrics or tracer. */
export { monotonic } from './context/clock.js';
export type { TaskContext } from './propagation/task.js';
