/** What a handler makes of a client that goes away: SPEC.md, section 4, rule 6. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as connect2, createServer as createServer2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import {
  BodyInput,
  ClientDisconnectedError,
  type Environ,
  type ResponseBody,
  type SimpleHandler,
} from '@wsgi/core';
import { mountGateway } from '@wsgi/http';
import { expect, it, onTestFinished } from 'vitest';
import { deferred } from '../hosts/behaviours/apps.ts';
import { loggedBody, stage, turn } from './handler-stage.ts';

it('a body that waits is ended: the signal fires, close() is called once, nothing is logged', async () => {
  const { handler, log } = stage();
  let closed = 0;
  const seen: Environ[] = [];
  const running = handler.run((environ, startResponse) => {
    seen.push(environ);
    startResponse('200 OK', []);
    return {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('a');
        await new Promise(() => {});
      },
      close: async () => {
        closed += 1;
      },
    };
  });
  await turn();
  const signal = seen[0]?.['gateway.signal']();
  expect(signal?.aborted).toBe(false);
  handler.handleDisconnect();
  handler.handleDisconnect();
  await running;
  expect([signal?.aborted, signal?.reason.code, closed, log]).toEqual([true, 'ECONNRESET', 1, []]);
});

it('an application that has not answered yet is asked for nothing more', async () => {
  const { handler, output, log } = stage();
  const events: string[] = [];
  let answer: (body: ResponseBody) => void = () => {};
  const running = handler.run((_environ, startResponse) => {
    startResponse('200 OK', []);
    return new Promise<ResponseBody>((resolve) => {
      answer = resolve;
    });
  });
  handler.handleDisconnect();
  answer(loggedBody(['a'], events));
  await running;
  expect([events, output.written, log]).toEqual([['closed'], '', []]);
});

it('a client that leaves after the whole response, while close() runs, has not gone away', async () => {
  const { handler } = stage();
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
  const { handler, log } = stage(
    {},
    {
      write() {
        throw Object.assign(new Error('gone'), { code: 'EPIPE' });
      },
    },
  );
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

it('a body that finds the client gone, and then waits for ever, is not waited for', async () => {
  const { handler } = stage();
  let closed = 0;
  const running = handler.run((_environ, startResponse) => {
    startResponse('200 OK', []);
    return {
      [Symbol.asyncIterator]: () => ({
        next() {
          handler.handleDisconnect();
          return new Promise<never>(() => {});
        },
      }),
      close: () => {
        closed += 1;
      },
    };
  });
  await running;
  expect(closed).toBe(1);
});

it('an application that learns of it later may call startResponse() as if nothing had happened', async () => {
  const { handler, log } = stage();
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
  const { handler, output, log } = stage();
  output.room = 0;
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

/** An application that answers when it is told to, after its client has gone, and what was reported then. */
async function reportAfterwards(answer: () => ResponseBody): Promise<string> {
  const { handler, log } = stage();
  const left = deferred();
  const running = handler.run(async (_environ, startResponse) => {
    startResponse('200 OK', []);
    await left.promise;
    return answer();
  });
  handler.handleDisconnect();
  left.resolve();
  await running;
  return log.join('');
}

const ended = (): never => {
  throw Object.assign(new Error('the connection ended'), { code: 'EPIPE' });
};

it('an error that only says that the connection ended is not reported', async () => {
  expect(await reportAfterwards(ended)).toBe('');
  expect(await reportAfterwards(() => Object.assign([], { close: ended }))).toBe('');
});

it("an error of the application's own is reported, and no error page is made for nobody", async () => {
  const { handler, output, log } = stage();
  let pages = 0;
  handler.errorOutput = () => {
    pages += 1;
    return [];
  };
  await handler.run(() => {
    handler.handleDisconnect();
    throw new Error('of the application');
  });
  expect([pages, output.written, output.destroyed]).toEqual([0, '', false]);
  expect(log.join('')).toContain('of the application');
});

it('an upload that breaks off tells of it before the transport does', async () => {
  const { handler, output, log } = stage();
  const input = new BodyInput({
    pull() {
      throw new ClientDisconnectedError();
    },
  });
  handler.getStdin = () => input;
  const seen: Environ[] = [];
  await handler.run(async (environ, startResponse) => {
    seen.push(environ);
    startResponse('200 OK', []);
    return [await environ['wsgi.input'].read()];
  });
  expect([handler.clientGone, output.written, log]).toEqual([true, '', []]);
  expect(seen[0]?.['gateway.signal']().aborted).toBe(true);
});

const fail = (): never => {
  throw new Error('of the error handling');
};

it.each<[when: string, set: Partial<SimpleHandler>]>([
  ['after an error', {}],
  ['after an error within the error handling', { handleError: fail }],
])('a connection that is cut off %s is no client that went away', async (_when, set) => {
  const { handler, output } = stage();
  Object.assign(handler, set);
  // Some transports say that they have closed within the very call.
  output.on('close', () => handler.handleDisconnect());
  await handler.run(function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield Buffer.from('a part');
    throw new Error('midway');
  });
  expect([output.destroyed, handler.clientGone]).toEqual([true, false]);
});

it('an application of node:http that is called when its client has long gone is told so', async () => {
  const seen = deferred<boolean>();
  const gateway = mountGateway(async (environ, startResponse) => {
    await turn();
    seen.resolve(environ['gateway.signal']().aborted);
    startResponse('200 OK', []);
    return [];
  });
  const server = createServer((request, response) => {
    // As behind a middleware that was looking something up meanwhile.
    response.on('close', () => gateway(request, response));
    client.destroy();
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await seen.promise).toBe(true);
});

it('an application of node:http2 in whose stead something else has answered is told so, on a connection that stays', async () => {
  const told = deferred<boolean>();
  const gateway = mountGateway(async (environ, startResponse) => {
    await once(environ['gateway.signal'](), 'abort');
    told.resolve(true);
    startResponse('200 OK', []);
    return [];
  });
  const server = createServer2((request, response) => {
    gateway(request, response);
    // As a timeout does.
    response.writeHead(503).end();
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const session = connect2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => session.destroy());
  const [headers] = await once(session.request({ ':path': '/' }), 'response');
  expect(headers[':status']).toBe(503);
  expect(await told.promise).toBe(true);
});

it('an application of node:http2 that is called when its stream has been reset with NO_ERROR is told so, on a connection that stays', async () => {
  const told = deferred<boolean>();
  const gateway = mountGateway(async function* (environ, startResponse) {
    startResponse('200 OK', []);
    try {
      while (true) yield Buffer.alloc(100_000);
    } finally {
      told.resolve(environ['gateway.signal']().aborted);
    }
  });
  const server = createServer2((request, response) => {
    // As behind a middleware that was looking something up meanwhile.
    request.on('aborted', () => setImmediate(gateway, request, response));
    client.write(reset);
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  // By hand: Node's client ends a request before it resets it.
  client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  client.write(Buffer.concat([settings, put]));
  expect(await told.promise).toBe(true);
});

// RFC 9113 section 4.1: length, type, flags, stream; the fields of `put` are PUT / of http://a.
const settings = Buffer.from('000000 04 00 00000000'.replaceAll(' ', ''), 'hex');
const put = Buffer.from('00000a 01 04 00000001 0203505554 86 84 410161'.replaceAll(' ', ''), 'hex');
const reset = Buffer.from('000004 03 00 00000001 00000000'.replaceAll(' ', ''), 'hex');
