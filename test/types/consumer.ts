/**
 * What users write, in strict mode under NodeNext: checked by `tsc -p test` and never run. No cast is needed, and each
 * `@ts-expect-error` is a mistake that the types catch.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer as createHttp, type IncomingMessage } from 'node:http';
import {
  createServer as createHttp2,
  createSecureServer,
  type Http2ServerRequest,
} from 'node:http2';
import { createServer as createHttps } from 'node:https';
import {
  type Application,
  type ApplicationLike,
  type Environ,
  Headers,
  type ResponseBody,
  readChunks,
  type StartResponse,
  validator,
  type Write,
} from '@wsgi/core';
import { SimpleHandler, toApplication } from '@wsgi/core/handlers';
import { getEnviron, NodeHandler } from '@wsgi/core/node';
import { FileWrapper, shiftPathInfo, wsgiToUtf8 } from '@wsgi/core/util';
import { mountGateway as mountInExpress } from '@wsgi/express';
import { fastifyGateway } from '@wsgi/fastify';
import { mountGateway } from '@wsgi/http';
import { makeServer, WSGIServer } from '@wsgi/simple-server';
import express5 from 'express';
import express4 from 'express4';
import { fastify } from 'fastify';

const array: Application = (environ, startResponse) => {
  const path: string = wsgiToUtf8(environ.PATH_INFO);
  const host: string | undefined = environ['HTTP_HOST'];
  const write: Write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
  void write(Buffer.from(host ?? ''));
  return [Buffer.from(path), new TextEncoder().encode('bytes')];
};

const promised: Application = async (environ, startResponse) => {
  for await (const chunk of readChunks(environ['wsgi.input'], 4096)) {
    environ['wsgi.errors'].write(`${chunk.length}\n`);
  }
  const signal: AbortSignal = environ['gateway.signal']();
  signal.throwIfAborted();
  startResponse('204 No Content', []);
  return [];
};

const generator: Application = function* (_environ, startResponse) {
  startResponse('200 OK', []);
  yield Buffer.from('a');
};

const asyncGenerator: Application = async function* (environ, startResponse) {
  startResponse('200 OK', []);
  for await (const line of environ['wsgi.input']) yield line;
};

const file: Application = async (environ, startResponse) => {
  startResponse('200 OK', []);
  const { 'wsgi.file_wrapper': Wrapper } = environ;
  if (environ.QUERY_STRING === '') return new Wrapper(await open(environ.PATH_INFO));
  // The size of a block needs no type.
  return new Wrapper({ read: (size) => Buffer.alloc(size), close() {} }, 4096);
};

class AppClass {
  readonly #startResponse: StartResponse;
  constructor(_environ: Environ, startResponse: StartResponse) {
    this.#startResponse = startResponse;
  }
  *[Symbol.iterator](): Generator<Uint8Array> {
    this.#startResponse('200 OK', []);
    yield Buffer.from('a');
  }
  close(): void {}
}

class AppObject {
  call(_environ: Environ, startResponse: StartResponse): ResponseBody {
    startResponse('200 OK', []);
    return [];
  }
}

/** A middleware: an application made of another. It keeps the body's close(). */
function timing(app: ApplicationLike): Application {
  const inner = toApplication(app);
  return (environ, startResponse) => {
    const began = performance.now();
    return inner(environ, (status, headers, excInfo) => {
      const changed = new Headers([...headers]);
      changed.set('Server-Timing', `app;dur=${performance.now() - began}`);
      return startResponse(status, [...changed], excInfo);
    });
  };
}

/** A middleware that routes, and so changes the environ. */
const routing: Application = (environ, startResponse) => {
  const name: string | null = shiftPathInfo(environ);
  environ['my.route'] = name;
  return name === 'class' ? new AppClass(environ, startResponse) : array(environ, startResponse);
};

export const all: ApplicationLike[] = [
  array,
  promised,
  generator,
  asyncGenerator,
  file,
  AppClass,
  new AppObject(),
  timing(AppClass),
  validator(timing(validator(routing))),
];

const environOf = (request: { method?: string | undefined }) => ({ 'my.method': request.method });
const options = { scriptName: '/gw', environ: { REMOTE_USER: 'ada' }, maxBodySize: 1_000_000 };
createHttp(mountGateway(array, options));
createHttps({}, mountGateway(AppClass));
createHttp2(mountGateway(generator, { environ: environOf }));
createSecureServer({ allowHTTP1: true }, mountGateway(new AppObject()));
createHttp((request, response) => {
  const method: string = getEnviron(request).REQUEST_METHOD;
  response.setHeader('X-Method', method);
  void new NodeHandler(request, response).run(array);
});

// A function may say of which server its requests are.
const portOf = (request: IncomingMessage) => ({ 'my.port': request.socket.remotePort });
const streamOf = (request: Http2ServerRequest) => ({ 'my.stream': request.stream.id });
createHttp(mountGateway(array, { environ: portOf, scriptName: '/gw' }));
createHttps({}, mountGateway(array, { environ: portOf }));
createHttp2(mountGateway(array, { environ: streamOf }));
createHttp((request, response) => mountGateway(array, { environ: portOf })(request, response));
createHttp(mountGateway(array, { environ: (request) => ({ 'my.url': request.url }) }));

express5().use('/gw', mountInExpress(array, { environ: (request) => ({ ip: request.ip }) }));
express4().use('/gw', mountInExpress(AppClass, { maxBodySize: 10 }));
express5.Router().all('/one', mountInExpress(timing(array)));

await fastify().register(fastifyGateway, { app: array, prefix: '/gw', environ: environOf });

export const server: WSGIServer = await makeServer('127.0.0.1', 0, array, { log: false });

class OwnServer extends WSGIServer {
  readonly made = Date.now();
}
export const own: OwnServer = await makeServer(
  '127.0.0.1',
  0,
  (_environ, startResponse) => {
    startResponse('204 No Content', []);
    return [];
  },
  { serverClass: OwnServer, log: false },
);
// What is not known to be another class gives the server that all are.
export const either: WSGIServer = await makeServer('127.0.0.1', 0, array, {
  serverClass: process.argv.length > 2 ? OwnServer : undefined,
});

export class OwnHandler extends SimpleHandler {
  override errorStatus = '503 Service Unavailable';
}

// @ts-expect-error chunks are bytes, never strings
export const stringChunks: Application = () => ['text'];
// @ts-expect-error a file gives bytes
export const textFile = new FileWrapper({ read: () => 'text' });
// @ts-expect-error a stream is a body by itself, and no file
export const stream = new FileWrapper(createReadStream('file'));
// @ts-expect-error a stream is iterated as it is
readChunks(createReadStream('file'));
// @ts-expect-error it asks for what no request has
createHttp(mountGateway(array, { environ: (request: { user: string }) => ({ a: request.user }) }));
// @ts-expect-error a class that is no server's
makeServer('127.0.0.1', 0, array, { serverClass: OwnHandler });
// @ts-expect-error a string is no body
export const stringBody: Application = () => 'text';
// @ts-expect-error a body must be returned
export const noBody: Application = () => {};
export const wrongHeaders: Application = (_environ, startResponse) => {
  // @ts-expect-error headers are pairs of strings
  startResponse('200 OK', [['Content-Length', 5]]);
  // @ts-expect-error headers are an array of pairs
  startResponse('200 OK', { 'Content-Type': 'text/plain' });
  return [];
};
// @ts-expect-error an object without call() is no application
mountGateway({});
// @ts-expect-error a class whose instances are not iterable is no application
mountGateway(class {});
// @ts-expect-error maxBodySize is a number of bytes
mountInExpress(array, { maxBodySize: '1mb' });
