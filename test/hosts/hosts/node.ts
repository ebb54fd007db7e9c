import { createServer as createHttp, type RequestListener } from 'node:http';
import {
  createServer as createHttp2,
  createSecureServer as createHttp2Secure,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { createServer as createHttps } from 'node:https';
import type { Server } from 'node:net';
import { mountGateway } from '@wsgi/http';
import { selfSigned } from '../certificate.ts';
import type { Host } from '../stage.ts';
import { ErrorRecorder, listen } from './server.ts';

type Http2Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;
type Listener = RequestListener & Http2Listener;

interface Kind {
  name: string;
  secure: boolean;
  protocol: 'http1' | 'http2';
  create(listener: Listener): Server;
}

function nodeHost({ name, secure, protocol, create }: Kind): Host {
  return {
    name,
    protocols: protocol === 'http1' ? ['HTTP/1.1', 'HTTP/1.0'] : ['HTTP/2.0'],
    async serve(app, { scriptName = '', environ, maxBodySize }) {
      const errors = new ErrorRecorder();
      const listener = mountGateway(app, {
        scriptName,
        errors,
        ...(environ !== undefined && { environ }),
        ...(maxBodySize !== undefined && { maxBodySize }),
      });
      const server = await listen(create(listener));
      return {
        ...server,
        secure,
        protocol,
        target: `${scriptName}/`,
        reported: () => errors.text,
      };
    },
  };
}

export const nodeHttp: Host = nodeHost({
  name: 'node:http',
  secure: false,
  protocol: 'http1',
  create: (listener) => createHttp(listener),
});

export const nodeHttps: Host = nodeHost({
  name: 'node:https',
  secure: true,
  protocol: 'http1',
  create: (listener) => createHttps(selfSigned(), listener),
});

export const nodeHttp2: Host = nodeHost({
  name: 'node:http2 in cleartext',
  secure: false,
  protocol: 'http2',
  create: (listener) => createHttp2(listener),
});

export const nodeHttp2Secure: Host = nodeHost({
  name: 'node:http2 over TLS',
  secure: true,
  protocol: 'http2',
  create: (listener) => createHttp2Secure(selfSigned(), listener),
});
