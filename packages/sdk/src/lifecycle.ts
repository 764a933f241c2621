import type { Logger } from 'pino';
import { currentRecord } from './context/active.js';
import type { WorkRecord } from './context/record.js';

export interface LifecycleOptions {
  readonly log: Logger;
  /** Sends out everything buffered, within its own bound. */
  readonly flush: () => Promise<void>;
  readonly flushLogs: () => void;
  /** Ends the work in which the crash happened, so that its span is among what is flushed. */
  readonly fail: (record: WorkRecord, error: unknown) => void;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Resolves with `work`, or after `milliseconds` without it; never rejects. */
export async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work.catch(() => {}), bound]);
  clearTimeout(timer);
}

/**
 * Flushes telemetry before the process ends, and lets it end as it would have ended: by the same signal, or with the
 * exit status of an uncaught exception. Where the service handles a signal itself, its handler decides when to end.
 * Returns the way to stop.
 */
export function guardProcess(options: LifecycleOptions): () => void {
  const { log, flush, flushLogs, fail } = options;

  const onSignal = (signal: NodeJS.Signals): void => {
    const alone = process.listenerCount(signal) === 1;
    void flush().then(() => {
      if (!alone) return;
      process.removeListener(signal, onSignal);
      process.kill(process.pid, signal);
    });
  };

  const onException = (error: unknown, origin: string): void => {
    const record = currentRecord();
    log.fatal({ err: error, origin }, 'process_crashed');
    if (record !== undefined) fail(record, error);
    flushLogs();
    if (process.listenerCount('uncaughtException') > 1) return void flush();
    void flush().then(() => {
      // What Node.js prints and returns when nobody listens.
      process.stderr.write(
        `${error instanceof Error ? (error.stack ?? error.message) : `Uncaught ${String(error)}`}\n`,
      );
      process.exit(1);
    });
  };

  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('uncaughtException', onException);
  process.on('exit', flushLogs);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    process.removeListener('uncaughtException', onException);
    process.removeListener('exit', flushLogs);
  };
}
