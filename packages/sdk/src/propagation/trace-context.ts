/** W3C Trace Context (https://www.w3.org/TR/trace-context-2/), to the letter. */

export interface RemoteTrace {
  readonly traceId: string;
  readonly parentSpanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;

/** Reads a `traceparent`; undefined when it is missing or wrong, for then a new trace begins. */
export function parseTraceparent(header: string | undefined): RemoteTrace | undefined {
  if (header === undefined) return undefined;
  const match = TRACEPARENT.exec(header.trim());
  if (match === null) return undefined;
  const [, version, traceId, parentSpanId, flags, rest] = match as unknown as string[];
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (ZEROS.test(traceId as string) || ZEROS.test(parentSpanId as string)) return undefined;
  return {
    traceId: traceId as string,
    parentSpanId: parentSpanId as string,
    sampled: (Number.parseInt(flags as string, 16) & 1) === 1,
  };
}

export function formatTraceparent(traceId: string, spanId: string, sampled: boolean): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

const MEMBER_KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const MEMBER_VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MOST_MEMBERS = 32;

/** A `tracestate` as it may be passed on; undefined when it is empty or any member is wrong. */
export function parseTracestate(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const members: string[] = [];
  const keys = new Set<string>();
  for (const part of header.split(',')) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '');
    if (member === '') continue;
    const equals = member.indexOf('=');
    const key = member.slice(0, equals);
    if (equals < 1 || !MEMBER_KEY.test(key) || !MEMBER_VALUE.test(member.slice(equals + 1))) return undefined;
    if (keys.has(key) || members.length === MOST_MEMBERS) return undefined;
    keys.add(key);
    members.push(member);
  }
  return members.length === 0 ? undefined : members.join(',');
}
