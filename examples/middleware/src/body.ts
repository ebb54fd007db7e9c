import { Readable } from 'node:stream';
import type { ResponseBody } from '@wsgi/core';

/** What a middleware does to the body within. */
export interface Changes {
  /** Gives what is sent for a chunk. One for each: a server must be able to take its turn in between. */
  chunk(chunk: Uint8Array): Uint8Array;
  /** Gives what is sent after the last chunk. Default: nothing. */
  end?(): Uint8Array | undefined;
  /** Runs when the response is over, however it ended, after the body within was closed. */
  close?(): void;
}

/** A body made of another's chunks, which closes it. It is synchronous when the other is. */
export function change(body: ResponseBody, changes: Changes): ResponseBody {
  const close = () => {
    let closing: void | Promise<void> | undefined;
    try {
      closing = release(body);
    } finally {
      if (!isPromise(closing)) changes.close?.();
    }
    return closing?.finally(() => changes.close?.());
  };
  if (Symbol.asyncIterator in body) {
    return {
      async *[Symbol.asyncIterator]() {
        for await (const chunk of body) yield changes.chunk(chunk);
        const last = changes.end?.();
        if (last) yield last;
      },
      close,
    };
  }
  return {
    *[Symbol.iterator]() {
      for (const chunk of body) yield changes.chunk(chunk);
      const last = changes.end?.();
      if (last) yield last;
    },
    close,
  };
}

/** `close()`; a stream that has none is destroyed, or it would keep what it reads from. */
function release(body: ResponseBody): void | Promise<void> {
  if (body.close !== undefined) return body.close();
  if (body instanceof Readable) body.destroy();
}

/** Does something with what an application returned: at once, or when its promise is kept. */
export function whenReady<Result>(
  result: ResponseBody | Promise<ResponseBody>,
  use: (body: ResponseBody) => Result,
): Result | Promise<Result> {
  return isPromise(result) ? result.then(use) : use(result);
}

/** Not `instanceof Promise`: applications bring their own. */
function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
