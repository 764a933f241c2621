import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CodedError, type ErrorCode, errorBody, type Observability } from '@throughline/sdk';

export interface HttpServer {
  /** Where it listens, `http://host:port`. */
  readonly url: string;
  /**
   * Stops accepting connections and resolves once every request on the open ones is answered. A connection is told
   * to close by its next response; idle ones are closed after `graceMs`, so that a request already on its way is heard.
   */
  drain(graceMs: number): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the idle time of common load balancers (60 s), or they would send into a closing connection. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

const parserErrors: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Answers what Node's HTTP parser refuses in the same shape as everything else. */
function answerParserErrors(server: Server, telemetry: Observability): void {
  server.on('clientError', (cause: NodeJS.ErrnoException, socket: Duplex) => {
    const answered = (socket as Socket).bytesWritten > 0;
    if (cause.code === 'ECONNRESET' || !socket.writable || answered) {
      socket.destroy();
      return;
    }
    const error = new CodedError(parserErrors[cause.code ?? ''] ?? 'malformed_http', undefined, { cause });
    const followed = telemetry.http.open({ method: '', path: '', headers: {}, endpoint: () => undefined });
    followed.record.error = error;
    const body = JSON.stringify(errorBody(error, followed.record));
    const head = Object.entries({
      ...followed.responseHeaders,
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${error.status} ${error.code}\r\n${head.join('')}\r\n${body}`);
    followed.close({ status: error.status, aborted: false });
  });
}

/** Starts an HTTP server; rejects when the address cannot be had. */
export async function startHttpServer(
  handler: RequestListener,
  options: { readonly host: string; readonly port: number; readonly telemetry: Observability },
): Promise<HttpServer> {
  let draining = false;
  let underWay = 0;
  let onQuiet: (() => void) | undefined;
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS },
    (request: IncomingMessage, response) => {
      underWay++;
      if (draining) response.setHeader('Connection', 'close');
      response.once('close', () => {
        underWay--;
        if (draining && underWay === 0) onQuiet?.();
      });
      handler(request, response);
    },
  );
  answerParserErrors(server, options.telemetry);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;

  return {
    url: `http://${host}:${port}`,
    async drain(graceMs) {
      draining = true;
      // `Server.close` of node:http would also close idle connections at once, under a request that is on its way.
      const closed = new Promise<void>((resolve) => {
        NetServer.prototype.close.call(server, () => resolve());
      });
      await new Promise((resolve) => setTimeout(resolve, graceMs));
      if (underWay > 0) {
        await new Promise<void>((resolve) => {
          onQuiet = resolve;
        });
      }
      server.closeIdleConnections();
      server.closeAllConnections();
      await closed;
    },
  };
}
