import type { HeaderList, ResponseBody, StartResponse } from '@wsgi/core/types';

/** A request that the application turns down. Thrown anywhere before `startResponse`, it becomes the answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  /**
   * @param status - `'404 Not Found'`: the status as `startResponse` takes it.
   * @param message - one sentence that is shown to the client.
   */
  constructor(
    readonly status: string,
    message: string,
    readonly headers: HeaderList = [],
  ) {
    super(message);
  }

  respond(startResponse: StartResponse): ResponseBody {
    const headers: HeaderList = [...this.headers, ['Content-Type', 'text/plain; charset=utf-8']];
    startResponse(this.status, headers);
    return [Buffer.from(`${this.message}\n`)];
  }
}

/** Answers with a value as JSON. */
export function json(startResponse: StartResponse, status: string, value: unknown): ResponseBody {
  startResponse(status, [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ]);
  return [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)];
}

/** Answers with header fields alone. For statuses that have no body: 204, 304. */
export function empty(
  startResponse: StartResponse,
  status: string,
  headers: HeaderList = [],
): ResponseBody {
  startResponse(status, headers);
  return [];
}

/**
 * Whether the client already has this version: RFC 9110, section 13.1.2.
 *
 * The comparison is the weak one, so `W/"x"` matches `"x"`.
 *
 * @param ifNoneMatch - the request's `If-None-Match`; repeated fields arrive joined with commas.
 */
export function clientHas(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const tags: readonly string[] = ifNoneMatch.match(/"[^"]*"/g) ?? [];
  return tags.includes(etag);
}
