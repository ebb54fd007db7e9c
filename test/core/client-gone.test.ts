/** What a handler makes of a client that goes away: SPEC.md, section 4, rule 6. */
import { EventEmitter } from 'node:events';
import { BodyInput, type Environ, emptySource, SimpleHandler, TextErrors } from '@wsgi/core';
import { expect, it } from 'vitest';
import { deferred } from '../hosts/behaviours/apps.ts';

/** A handler for one request, over an output whose every write gives what `write` does. */
function stage(write: () => unknown) {
  const output = Object.assign(new EventEmitter(), { write });
  const log: string[] = [];
  const errors = new TextErrors((text) => log.push(text));
  const environ = { REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.0' };
  const handler = new SimpleHandler(new BodyInput(emptySource), output, errors, environ);
  return { handler, output, log };
}

/** Lets everything run that waits for nothing but its turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('a client that leaves after the whole response, while close() runs, has not gone away', async () => {
  const { handler } = stage(() => true);
  const closing = deferred();
  const seen: Environ[] = [];
  const running = handler.run((environ, startResponse) => {
    seen.push(environ);
    startResponse('200 OK', []);
    return Object.assign([Buffer.from('whole')], { close: () => closing.promise });
  });
  handler.handleDisconnect();
  expect([handler.clientGone, seen[0]?.['gateway.signal']().aborted]).toEqual([false, false]);
  closing.resolve();
  await running;
});

it('a generator whose own write() finds the client gone is ended when it has let go', async () => {
  const { handler, log } = stage(() => {
    throw Object.assign(new Error('gone'), { code: 'EPIPE' });
  });
  const events: string[] = [];
  await handler.run(function* (_environ, startResponse) {
    const write = startResponse('200 OK', []);
    try {
      void write(Buffer.from('to nobody'));
      events.push('goes on');
      yield Buffer.from('to nobody, either');
      events.push('is asked again');
    } finally {
      events.push('ends');
    }
  });
  expect(handler.clientGone).toBe(true);
  expect([events, log]).toEqual([['goes on', 'ends'], []]);
});

it('an application that learns of it later may call startResponse() as if nothing had happened', async () => {
  const { handler, log } = stage(() => true);
  const found = deferred();
  const events: string[] = [];
  const running = handler.run(async function* (_environ, startResponse) {
    await found.promise;
    startResponse('200 OK', []);
    events.push('has begun');
    yield Buffer.from('to nobody');
  });
  await turn();
  handler.handleDisconnect();
  await running;
  found.resolve();
  await turn();
  expect([events, log]).toEqual([['has begun'], []]);
});

it('the very write() that waits for room is rejected, and not the next one only', async () => {
  const { handler, output, log } = stage(() => false);
  const outcomes: unknown[] = [];
  const running = handler.run(async (_environ, startResponse) => {
    const write = startResponse('200 OK', []);
    await Promise.resolve(write(Buffer.from('first'))).catch((error) => outcomes.push(error.code));
    return [];
  });
  handler.handleDisconnect();
  output.emit('close');
  await running;
  expect([outcomes, log]).toEqual([['ECONNRESET'], []]);
});
