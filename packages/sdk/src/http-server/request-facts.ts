import { attributeNames, eventNames, logFields, unmatchedEndpoint } from '../catalog/names.js';
import type { WorkRecord } from '../context/record.js';
import { CodedError } from '../errors.js';
import { identityFields, type Logging } from '../logging/logger.js';
import type { IncomingHeaders } from '../propagation/headers.js';
import { redactText } from '../redaction/redact.js';

/** What an adapter knows of a request when it arrives. */
export interface IncomingRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly headers: IncomingHeaders;
  readonly httpVersion?: string;
  readonly clientAddress?: string | undefined;
  /** The route template that has matched by now, if any. */
  readonly endpoint: () => string | undefined;
}

/** What an adapter knows when the response has ended. */
export interface Outcome {
  readonly status: number;
  /** The connection closed before the response was whole. */
  readonly aborted: boolean;
}

const KNOWN_METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);
const LONGEST_TEXT = 512;

/** The method as a label: one constant for all that are not known. */
export const methodLabel = (method: string): string => (KNOWN_METHODS.has(method) ? method : '_OTHER');

export type OutcomeKind = 'ok' | 'rejected' | 'failed' | 'aborted';

export function outcomeKind({ status, aborted }: Outcome): OutcomeKind {
  if (aborted) return 'aborted';
  if (status >= 500) return 'failed';
  return status >= 400 ? 'rejected' : 'ok';
}

const round = (milliseconds: number): number => Math.round(milliseconds * 1e3) / 1e3;
const pathOf = (incoming: IncomingRequest): string => redactText(incoming.path.slice(0, LONGEST_TEXT));

/** The two lines that each request writes. */
export function createRequestLines(logging: Logging) {
  const { events } = logging;
  return {
    received(incoming: IncomingRequest, record: WorkRecord): void {
      const level = record.quiet ? 'debug' : 'info';
      if (!events.isLevelEnabled(level)) return;
      events[level](
        {
          ...identityFields(record, record.trace.spanId),
          [logFields.method]: incoming.method,
          [logFields.path]: pathOf(incoming),
        },
        eventNames.requestReceived,
      );
    },
    completed(
      incoming: IncomingRequest,
      record: WorkRecord,
      end: {
        readonly kind: OutcomeKind;
        readonly status: number;
        readonly endpoint: string;
        readonly durationMs: number;
      },
    ): void {
      const failed = end.kind === 'failed';
      const level = failed ? 'error' : record.quiet ? 'debug' : 'info';
      if (!events.isLevelEnabled(level)) return;
      const { error } = record;
      events[level](
        {
          ...identityFields(record, record.trace.spanId),
          [logFields.method]: incoming.method,
          [logFields.endpoint]: end.endpoint,
          [logFields.status]: end.status,
          [logFields.outcome]: end.kind,
          [logFields.durationMs]: round(end.durationMs),
          ...(error instanceof CodedError ? { [logFields.errorCode]: error.code } : {}),
          ...(failed && error !== undefined ? { [logFields.error]: logging.clean(error) } : {}),
        },
        eventNames.requestCompleted,
      );
      if (failed) logging.flush();
    },
  };
}

/** Writes the attributes of an HTTP server span (OpenTelemetry semantic conventions 1.44). */
export function describeRequest(
  incoming: IncomingRequest,
  record: WorkRecord,
  outcome: Outcome,
  endpoint: string,
): void {
  const { attributes } = record;
  attributes[attributeNames.httpRequestMethod] = methodLabel(incoming.method);
  attributes[attributeNames.urlPath] = pathOf(incoming);
  attributes[attributeNames.urlScheme] = 'http';
  attributes[attributeNames.httpResponseStatusCode] = outcome.status;
  if (endpoint !== unmatchedEndpoint) attributes[attributeNames.httpRoute] = endpoint;
  if (incoming.httpVersion !== undefined) attributes[attributeNames.networkProtocolVersion] = incoming.httpVersion;
  if (incoming.clientAddress !== undefined) attributes[attributeNames.clientAddress] = incoming.clientAddress;
  const agent = incoming.headers['user-agent'];
  if (typeof agent === 'string') attributes[attributeNames.userAgent] = agent.slice(0, LONGEST_TEXT);
  if (record.error instanceof CodedError) attributes[attributeNames.errorType] = record.error.code;
  else if (outcome.aborted) attributes[attributeNames.errorType] = 'client_closed_request';
  else if (outcome.status >= 500) attributes[attributeNames.errorType] = String(outcome.status);
}
