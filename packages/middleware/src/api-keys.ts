import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { CodedError, eventNames, logFields, metricCatalog, type Observability } from '@throughline/sdk';
import { recordOf } from './follow.js';

/** A key as it is kept: by its hash, so that who reads the configuration cannot use it. */
export interface ApiKey {
  /** Name of the key, harmless to log. */
  readonly id: string;
  /** SHA-256 of the key, hexadecimal: `hashApiKey(key)`. Keys must be long and random, as from `openssl rand -hex 32`. */
  readonly sha256: string;
  /** Tenant that it belongs to; in the log lines and spans of its requests. */
  readonly tenantId?: string;
}

export const hashApiKey = (key: string): string => createHash('sha256').update(key).digest('hex');

const LONGEST_KEY = 512;

/** The key that a request carries, in `X-API-Key` or as a bearer token. */
function presentedKey({ headers }: IncomingMessage): string | undefined {
  const named = headers['x-api-key'];
  if (typeof named === 'string' && named !== '') return named;
  return /^Bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
}

/**
 * Makes a check that finds the key of a request and puts its tenant into the request's record. Keys are looked up by
 * their hash, so the time it takes says nothing of how much of a key was right.
 *
 * @throws CodedError `unauthorized`, from the check; it has been logged as a security event and counted.
 */
export function createKeyCheck(
  telemetry: Observability,
  keys: readonly ApiKey[],
): (request: IncomingMessage) => ApiKey {
  const byHash = new Map(keys.map((key) => [key.sha256.toLowerCase(), key]));
  const failures = telemetry.metrics.counter(metricCatalog.authFailures);
  const refuse = (request: IncomingMessage, reason: 'missing' | 'unknown'): never => {
    failures.add({ reason });
    telemetry.log.warn(
      {
        [logFields.security]: true,
        [logFields.reason]: reason,
        [logFields.clientAddress]: request.socket.remoteAddress,
      },
      eventNames.authenticationFailed,
    );
    throw new CodedError('unauthorized');
  };
  return (request) => {
    const presented = presentedKey(request);
    if (presented === undefined) return refuse(request, 'missing');
    const known = presented.length <= LONGEST_KEY ? byHash.get(hashApiKey(presented)) : undefined;
    if (known === undefined) return refuse(request, 'unknown');
    const record = recordOf(request);
    if (record !== undefined) record.tenantId = known.tenantId;
    return known;
  };
}
