/** What a text classifier says of one text. */
export interface Classification {
  /** One score (0 to 1) a label, in the order of the model's labels; they sum to 1. */
  readonly scores: readonly number[];
  /** Tokens the model read, special ones included. */
  readonly tokens: number;
  /** Whether the text had more tokens than the model reads, and its end was left out. */
  readonly truncated: boolean;
}

/** Points in time inside a worker, in monotonic milliseconds. */
export interface WorkerTimes {
  readonly startedAt: number;
  readonly tokenizedAt: number;
  readonly forwardStartedAt: number;
  readonly forwardEndedAt: number;
  readonly endedAt: number;
}

/** The result of one pass through a worker: a classification a text, and when what happened. */
export interface ClassifiedBatch {
  readonly classifications: readonly Classification[];
  readonly times: WorkerTimes;
  readonly workerId: number;
}

/** Which model answers. */
export interface ModelIdentity {
  readonly id: string;
  readonly version: string;
  readonly labels: readonly string[];
}

/** Milliseconds spent in each part of a prediction; the parts sum to `total`. */
export interface Timings {
  readonly validate: number;
  /** Waiting for a free worker, the way there included. */
  readonly queue: number;
  readonly tokenize: number;
  readonly inference: number;
  /** The way back from the worker. */
  readonly transfer: number;
  readonly format: number;
  readonly total: number;
}

/** The answer to `POST /predict` for a text. */
export interface PredictAnswer {
  readonly label: string;
  readonly score: number;
  readonly scores: Readonly<Record<string, number>>;
  readonly model: string;
  readonly version: string;
  readonly request_id: string;
  readonly correlation_id: string;
  readonly trace_id: string;
  readonly tokens: number;
  readonly truncated: boolean;
  readonly timings_ms: Timings;
}
