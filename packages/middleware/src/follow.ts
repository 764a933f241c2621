import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError, type HttpRequest, type Observability, type WorkRecord } from '@throughline/sdk';

const followed = new WeakMap<IncomingMessage, HttpRequest>();

const pathOf = (url: string): string => {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
};

/**
 * Opens a request, gives its response the IDs as headers, and closes it when the response ends, whole or not.
 * `endpoint` is asked for the route template when it is needed, late, when it is known.
 */
export function follow(
  telemetry: Observability,
  exchange: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly url: string },
  endpoint: () => string | undefined,
): HttpRequest {
  const { request, response } = exchange;
  const opened = telemetry.http.open({
    method: request.method ?? '',
    path: pathOf(exchange.url),
    headers: request.headers,
    httpVersion: request.httpVersion,
    clientAddress: request.socket.remoteAddress,
    endpoint,
  });
  followed.set(request, opened);
  for (const name in opened.responseHeaders) response.setHeader(name, opened.responseHeaders[name] as string);
  response.once('close', () => opened.close({ status: response.statusCode, aborted: !response.writableFinished }));
  return opened;
}

/** The request that a message of node:http belongs to. */
export const followedRequest = (request: IncomingMessage): HttpRequest | undefined => followed.get(request);

/** The record of a message of node:http, also where the async context has been lost. */
export const recordOf = (request: IncomingMessage): WorkRecord | undefined => followed.get(request)?.record;

/** A signal that fires when the client leaves before its answer is whole. */
export function clientGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new CodedError('client_closed_request'));
  });
  return controller.signal;
}
