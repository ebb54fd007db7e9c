import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { type Application, type Environ, FileWrapper, type StartResponse } from '@wsgi/core';
import { type GatewayOptions, mountGateway } from '@wsgi/express';
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recorder, serve, versions } from './support.ts';

/**
 * What the client gets: a status with a body that is whole, or a connection that is cut off. `next` is what the
 * adapter passed on: nothing, the request, or an error.
 */
interface Outcome {
  got: string;
  next: 'nothing' | 'request' | 'error';
  /** What `wsgi.errors` must say. */
  reported?: RegExp;
}

interface Failure extends Outcome {
  at: string;
  app: Application;
  options?: GatewayOptions;
  before?: RequestHandler;
  after?: RequestHandler;
  page?: ErrorRequestHandler;
}

const bang = (): Error => new Error('bang');
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const begin = (startResponse: StartResponse, status = '200 OK') => startResponse(status, []);
const page500: Outcome = { got: '500 page: bang', next: 'error', reported: /bang/ };
const cut: Outcome = { got: 'cut', next: 'error', reported: /bang/ };
const fine: Application = (_environ, startResponse) => {
  begin(startResponse);
  return [Buffer.from('fine')];
};

/** A body of these steps; a function is called when its turn comes. */
async function* steps(...parts: Array<string | (() => unknown)>): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (typeof part === 'string') yield Buffer.from(part);
    else await part();
  }
}

function answering(body: (environ: Environ) => ReturnType<Application>): Application {
  return (environ, startResponse) => {
    begin(startResponse);
    return body(environ);
  };
}

function fail(): never {
  throw bang();
}

const inTheApp: Failure[] = [
  { at: 'a throw in the app', app: fail, ...page500 },
  { at: 'a rejection of the app', app: () => Promise.reject(bang()), ...page500 },
  { at: 'a late rejection of the app', app: () => soon().then(fail), ...page500 },
  {
    at: 'a rejection after startResponse',
    app: async (_environ, startResponse) => {
      begin(startResponse);
      await soon();
      return fail();
    },
    ...page500,
  },
  {
    at: 'a thrown undefined',
    app: () => {
      throw undefined;
    },
    got: '500 page: the application threw what is no Error',
    next: 'error',
    reported: /undefined/,
  },
  {
    at: "a thrown 'route', which is a word of Express's",
    app: () => {
      throw 'route';
    },
    got: '500 page: the application threw what is no Error',
    next: 'error',
    reported: /route/,
  },
  {
    at: 'a body without startResponse',
    app: () => [Buffer.from('x')],
    got: '500 page: a chunk of the body',
    next: 'error',
    reported: /startResponse/,
  },
  {
    at: 'a second startResponse',
    app: (_environ, startResponse) => {
      begin(startResponse);
      begin(startResponse);
      return [];
    },
    got: '500 page: startResponse was called',
    next: 'error',
    reported: /second time/,
  },
  { at: 'a throw at the first step', app: answering(() => steps(fail)), ...page500 },
  { at: 'a late throw at the first step', app: answering(() => steps(soon, fail)), ...page500 },
  { at: 'a throw after a chunk', app: answering(() => steps('a', fail)), ...cut },
  { at: 'a late throw after a chunk', app: answering(() => steps('a', soon, fail)), ...cut },
  {
    at: 'a throw after write()',
    app: (_environ, startResponse) => {
      begin(startResponse)(Buffer.from('a'));
      return fail();
    },
    ...cut,
  },
  {
    at: 'an error emitted by a stream before its first chunk',
    app: answering(() => {
      const stream = new Readable({ read() {} });
      setImmediate(() => stream.destroy(bang()));
      return stream;
    }),
    ...page500,
  },
  {
    at: 'an error emitted by a stream after a chunk',
    app: answering(() => {
      const stream = new Readable({ read() {} });
      stream.push('a');
      setTimeout(() => stream.destroy(bang()), 5);
      return stream;
    }),
    ...cut,
  },
  {
    at: 'an error of a file',
    app: answering(() => new FileWrapper({ read: fail })),
    ...page500,
  },
  {
    at: 'a body that is short of its Content-Length',
    app: (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '9']]);
      return steps('short');
    },
    got: 'cut',
    next: 'error',
    reported: /4 bytes short/,
  },
  {
    at: 'a throw in close()',
    app: answering(() => Object.assign([Buffer.from('fine')], { close: fail })),
    got: '200 fine',
    next: 'nothing',
    reported: /bang/,
  },
  {
    at: 'a rejection of close()',
    app: answering(() => Object.assign([Buffer.from('fine')], { close: () => soon().then(fail) })),
    got: '200 fine',
    next: 'nothing',
    reported: /bang/,
  },
  {
    at: 'a throw in the body and another in close()',
    app: answering(() => Object.assign(steps(fail), { close: fail })),
    ...page500,
  },
  {
    at: 'a write() after the end',
    app: (_environ, startResponse) => {
      const write = begin(startResponse);
      setTimeout(() => void write(Buffer.from('late')), 5);
      return [Buffer.from('fine')];
    },
    got: '200 fine',
    next: 'nothing',
  },
  {
    at: 'a read after the end',
    app: (environ, startResponse) => {
      setTimeout(() => void environ['wsgi.input'].read(), 5);
      return fine(environ, startResponse);
    },
    got: '200 fine',
    next: 'nothing',
  },
  {
    at: 'a reason that Node refuses',
    app: (_environ, startResponse) => {
      begin(startResponse, '200 \u0100');
      return [];
    },
    got: '500 page: ',
    next: 'error',
  },
];

const throwing: GatewayOptions['errors'] = { write: fail, writelines: fail, flush: fail };

const inTheAdapter: Failure[] = [
  { at: 'a throw in the environ option', app: fine, options: { environ: fail }, ...page500 },
  {
    at: 'a throw in wsgi.errors',
    app: fail,
    options: { errors: throwing },
    got: '500 page: bang',
    next: 'error',
  },
  {
    at: 'a body over maxBodySize',
    app: async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      return fine(environ, startResponse);
    },
    options: { maxBodySize: 1 },
    got: '413 The request body is too large.',
    next: 'nothing',
  },
  {
    at: 'a declined response whose body fails to close',
    app: (_environ, startResponse) => {
      begin(startResponse, '404 Not Found');
      return Object.assign([], { close: fail });
    },
    options: { cascade: true },
    got: '200 host',
    next: 'request',
    reported: /bang/,
  },
];

const inTheHost: Failure[] = [
  {
    at: 'an error passed on before the mount',
    app: fine,
    before: (_request, _response, next) => next(bang()),
    got: '500 page: bang',
    next: 'nothing',
  },
  {
    at: 'a throw in a replaced writeHead',
    app: fine,
    before: (_request, response, next) => {
      const { writeHead } = response;
      response.writeHead = () => {
        response.writeHead = writeHead;
        return fail();
      };
      next();
    },
    ...page500,
  },
  {
    at: 'a throw in a replaced end',
    app: fine,
    before: (_request, response, next) => {
      const { end } = response;
      response.end = () => {
        response.end = end;
        return fail();
      };
      next();
    },
    got: 'cut',
    next: 'error',
    reported: /bang/,
  },
  {
    at: 'a response that was answered before the app ran',
    app: fine,
    before: (_request, response, next) => {
      response.end('early');
      next();
    },
    got: '200 early',
    next: 'nothing',
    reported: /already been sent/,
  },
  {
    at: 'a response that is answered while the app works',
    app: async (environ, startResponse) => {
      await soon();
      return fine(environ, startResponse);
    },
    before: (_request, response, next) => {
      next();
      response.status(503).send('timeout');
    },
    got: '503 timeout',
    next: 'nothing',
  },
  {
    at: 'a response that is being streamed while the app answers',
    app: async (environ, startResponse) => {
      await soon();
      return fine(environ, startResponse);
    },
    before: (_request, response, next) => {
      next();
      response.write('a');
      setTimeout(() => response.end('b'), 20);
    },
    got: '200 ab',
    next: 'nothing',
    reported: /already been sent/,
  },
  {
    at: 'an app that fails after its request was answered by another',
    app: () => soon().then(fail),
    before: (_request, response, next) => {
      next();
      response.write('a');
      setTimeout(() => response.end('b'), 20);
    },
    got: '200 ab',
    next: 'nothing',
    reported: /bang/,
  },
  {
    at: 'a response that is destroyed before the app runs',
    app: fine,
    before: (_request, response, next) => {
      response.destroy();
      next();
    },
    got: 'cut',
    next: 'nothing',
  },
  {
    at: 'a response that is destroyed with an error while the app works',
    app: answering(() => steps('a', soon, 'b', soon, 'c')),
    before: (_request, response, next) => {
      next();
      response.on('error', () => {});
      setImmediate(() => response.destroy(bang()));
    },
    got: 'cut',
    next: 'nothing',
  },
  {
    at: 'an error of the app that has nothing to do with its client, which has gone',
    app: (environ, startResponse) => {
      begin(startResponse)(Buffer.from('a'));

      const signal = environ['gateway.signal']();
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(bang())),
      );
    },
    before: (_request, response, next) => {
      next();
      setImmediate(() => response.destroy());
    },
    got: 'cut',
    next: 'nothing',
    reported: /bang/,
  },
  {
    at: 'an error page that throws',
    app: fail,
    page: () => {
      throw new Error('page');
    },
    got: '500 <!DOCTYPE html>',
    next: 'error',
    reported: /bang/,
  },
  {
    at: 'an error page that takes its time',
    app: fail,
    page: (_error, _request, response, _next) => {
      setTimeout(() => response.status(500).send('later'), 10);
    },
    got: '500 later',
    next: 'error',
    reported: /bang/,
  },
  {
    at: 'an error page that is passed an error after the header fields, and does nothing',
    app: answering(() => steps('a', fail)),
    page: () => {},
    ...cut,
  },
  {
    at: 'an error page that ends a response that was begun',
    app: answering(() => steps('a', fail)),
    page: (_error, _request, response, _next) => {
      response.statusCode = 500;
      response.end('page');
    },
    ...cut,
  },
  {
    at: 'a throw in the handler after a declined response',
    app: (_environ, startResponse) => {
      begin(startResponse, '404 Not Found');
      return [];
    },
    options: { cascade: true },
    after: fail,
    got: '500 page: bang',
    next: 'request',
  },
];

const byName = [...inTheApp, ...inTheAdapter, ...inTheHost].map((failure): [string, Failure] => [
  failure.at,
  failure,
]);

describe.each(versions)('in $version', ({ express }) => {
  const stray: unknown[] = [];
  const collect = (error: unknown): void => void stray.push(error);
  beforeEach(() => {
    stray.length = 0;
    process.on('unhandledRejection', collect).on('uncaughtException', collect);
  });
  afterEach(() => {
    process.off('unhandledRejection', collect).off('uncaughtException', collect);
  });

  it.each(byName)('%s is dealt with once', async (_name, failure) => {
    const { errors, lines } = recorder();
    const passed: unknown[] = [];
    const seen: unknown[] = [];
    const gateway = mountGateway(failure.app, { errors, ...failure.options });
    const host = express();
    if (failure.before !== undefined) host.use(failure.before);
    host.use((request, response, next) =>
      gateway(request, response, (error) => {
        passed.push(error);
        next(error);
      }),
    );
    host.use(failure.after ?? ((_request, response) => void response.send('host')));
    const watch: ErrorRequestHandler = (error, _request, _response, next) => {
      seen.push(error);
      next(error);
    };
    const handler = failure.page ?? page;
    // Four parameters make an error handler.
    host.use(watch, (error: unknown, request: Request, response: Response, next: NextFunction) =>
      handler(error, request, response, next),
    );
    const origin = await serve(host);

    expect(await outcome(origin)).toMatch(new RegExp(`^${failure.got}`));
    // What comes late comes within this time.
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(passed.length).toBeLessThanOrEqual(1);
    expect(passed.map((error) => (error === undefined ? 'request' : 'error'))).toEqual(
      failure.next === 'nothing' ? [] : [failure.next],
    );
    expect(stray).toEqual([]);
    expect(JSON.stringify([seen.map(String), lines])).not.toContain('ERR_HTTP_HEADERS_SENT');
    if (failure.reported !== undefined) expect(lines.join('')).toMatch(failure.reported);
    // The server is none the worse for it. A connection that closes is ended by another way.
    const again = failure.at === 'a throw in a replaced end' ? 'cut|200 fine' : failure.got;
    expect(await outcome(origin, 'close')).toMatch(new RegExp(`^(${again})`));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(stray).toEqual([]);
  });
});

const page: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) next(error);
  else response.status(500).send(`page: ${error.message}`);
};

/** A request with a small body: its status and its body, or 'cut'. */
function outcome(origin: string, connection = 'keep-alive'): Promise<string> {
  return new Promise((resolve) => {
    const cutOff = (): void => resolve('cut');
    const options = { method: 'POST', agent: false, headers: { Connection: connection } };
    const request = httpRequest(origin, options, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('error', cutOff).on('end', () => resolve(`${response.statusCode} ${body}`));
    });
    request.on('error', cutOff).end('body');
  });
}
