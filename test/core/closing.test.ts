/** How a body ends: SPEC.md, section 4, rule 5. */
import type { ResponseBody } from '@wsgi/core';
import { describe, expect, it } from 'vitest';
import { deferred } from '../hosts/behaviours/apps.ts';
import { answering, stage, turn } from './handler-stage.ts';

describe('an iterator that throws is at its end, and its return() is not called', () => {
  const fail = (): never => {
    throw new Error('midway');
  };

  it.each<[kind: string, next: () => never | Promise<never>]>([
    ['one that does not wait', fail],
    ['one that waits', async () => fail()],
  ])('%s', async (_kind, next) => {
    const events: string[] = [];
    const iterator = {
      next,
      return() {
        events.push('return');
        return { done: true as const, value: undefined };
      },
    };
    const body = {
      // What an iterator gives need not be a promise for each step.
      [Symbol.asyncIterator]: () => iterator as unknown as AsyncIterator<Uint8Array>,
      close: () => void events.push('close'),
    };
    const { handler, log } = stage();
    await handler.run(answering(body));
    expect(events).toEqual(['close']);
    expect(log.join('')).toContain('midway');
  });
});

it.each([
  ['return() alone', false],
  ['return() and close()', true],
])('a body that is left is awaited to its end: %s', async (_what, hasClose) => {
  const { handler } = stage({ REQUEST_METHOD: 'HEAD' });
  const returned = deferred<IteratorResult<Uint8Array>>();
  const body: ResponseBody = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ value: Buffer.from('a') }),
      return: () => returned.promise,
    }),
    ...(hasClose && { close: async () => {} }),
  };
  let isOver = false;
  const running = Promise.resolve(handler.run(answering(body))).then(() => {
    isOver = true;
  });
  await turn();
  expect(isOver).toBe(false);
  returned.resolve({ done: true, value: undefined });
  await running;
});

it('a body that is no stream is not taken for one by a method of that name', () => {
  const calls: string[] = [];
  const body = Object.assign([Buffer.from('a')].values(), {
    on: () => void calls.push('on'),
    destroy: () => void calls.push('destroy'),
  });
  const { handler, output } = stage();
  handler.run(answering(body));
  expect([output.body, calls]).toEqual(['a', []]);
});
