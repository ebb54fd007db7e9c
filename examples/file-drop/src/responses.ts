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

/** What a request gets whose condition is not met: RFC 9110 section 13.1. */
export function preconditionFailed(): Refusal {
  return new Refusal('412 Precondition Failed', 'What is here is not what the request is for.');
}
