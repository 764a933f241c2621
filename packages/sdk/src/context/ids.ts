import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4096;
const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

/** Random bytes as lower-case hexadecimal, from a pool: one call for random numbers in a few hundred. */
function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const text = pool.toString('hex', used, used + bytes);
  used += bytes;
  return text;
}

/** A trace ID: 32 hexadecimal digits, not all zero. */
export function createTraceId(): string {
  const id = randomHex(16);
  return id === '0'.repeat(32) ? createTraceId() : id;
}

/** A span ID: 16 hexadecimal digits, not all zero. */
export function createSpanId(): string {
  const id = randomHex(8);
  return id === '0'.repeat(16) ? createSpanId() : id;
}

/** A request ID: a random UUID (version 4). */
export function createRequestId(): string {
  const hex = randomHex(16);
  const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

const PLAIN_ID = /^[A-Za-z0-9._~-]{1,128}$/;

/** An ID from outside if it is short and plain, else undefined: whatever is reflected or logged must be harmless. */
export function acceptId(value: unknown): string | undefined {
  return typeof value === 'string' && PLAIN_ID.test(value) ? value : undefined;
}
