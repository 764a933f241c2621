import { type Observability, type ObservabilityOptions, startObservability } from '@throughline/sdk';
import { listen } from '../../../tests/support/http.ts';

export type Line = Readonly<Record<string, unknown>> & { readonly message?: string };

/** Observability whose log lines stay in memory. */
export function startQuietly(
  environment: Readonly<Record<string, string>> = {},
  options: Partial<ObservabilityOptions> = {},
): Observability & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const telemetry = startObservability({
    service: 'test',
    guardProcess: false,
    environment: { LOG_LEVEL: 'debug', ...environment },
    logDestination: { write: (line) => lines.push(JSON.parse(line) as Line) },
    ...options,
  });
  return Object.assign(telemetry, { lines });
}

/** Opens a request as an adapter would. */
export const openRequest = (
  telemetry: Observability,
  headers: Readonly<Record<string, string>> = {},
  path = '/orders',
) => telemetry.http.open({ method: 'GET', path, headers, endpoint: () => path });

/** A server on loopback that answers what it was asked. */
export async function startEcho() {
  const seen: Record<string, unknown>[] = [];
  const server = await listen((request, response) => {
    seen.push(request.headers);
    response.statusCode = request.url === '/broken' ? 500 : 200;
    response.end('ok');
  });
  return { ...server, seen };
}
