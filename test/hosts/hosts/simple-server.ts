import { utf8ToWsgi } from '@wsgi/core';
import { makeServer } from '@wsgi/simple-server';
import { selfSigned } from '../certificate.ts';
import type { Host } from '../stage.ts';
import { ErrorRecorder } from './server.ts';

function simpleHost(name: string, secure: boolean): Host {
  return {
    name,
    protocols: ['HTTP/1.1', 'HTTP/1.0'],
    ownParser: true,
    async serve(app, { scriptName = '', environ, maxBodySize }) {
      const errors = new ErrorRecorder();
      const server = await makeServer('127.0.0.1', 0, app, {
        scriptName: utf8ToWsgi(scriptName),
        errors,
        environ,
        maxBodySize,
        log: false,
        tls: secure ? selfSigned() : undefined,
      });
      return {
        port: server.port ?? 0,
        secure,
        protocol: 'http1',
        target: `${scriptName}/`,
        reported: () => errors.text,
        close: () => server.close(),
      };
    },
  };
}

export const simpleServer: Host = simpleHost('simple-server', false);

export const simpleServerSecure: Host = simpleHost('simple-server over TLS', true);
