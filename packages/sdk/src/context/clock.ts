/**
 * Milliseconds (fractions included) of the machine's monotonic clock: one scale for every thread of the process,
 * unlike `performance.now()`, which counts from the start of its own thread.
 */
export const monotonic: () => number = (() => {
  const offset = measureOffset();
  return () => performance.now() + offset;
})();

/** Reads both clocks a few times and trusts the pair that was read closest together: the thread may be interrupted. */
function measureOffset(): number {
  let best = { gap: Number.POSITIVE_INFINITY, offset: 0 };
  for (let i = 0; i < 10; i++) {
    const before = performance.now();
    const [seconds, nanoseconds] = process.hrtime();
    const after = performance.now();
    const gap = after - before;
    if (gap < best.gap) best = { gap, offset: seconds * 1e3 + nanoseconds / 1e6 - (before + after) / 2 };
  }
  return best.offset;
}

/** Turns monotonic milliseconds into milliseconds since 1970, following the system clock when it is set anew. */
export function createEpochClock(now: () => number = Date.now, steady: () => number = monotonic) {
  let offset = performance.timeOrigin + performance.now() - steady();
  return {
    toEpoch: (time: number): number => time + offset,
    /** Compares with the system clock; more than 5 ms apart, the system clock wins. */
    follow: (time: number): void => {
      const drift = now() - (time + offset);
      if (drift > 5 || drift < -5) offset += drift;
    },
  };
}

export type EpochClock = ReturnType<typeof createEpochClock>;
