import { createServer } from 'node:http';
import { utf8ToWsgi } from '@wsgi/core';
import { mountGateway } from '@wsgi-examples/koa';
import Koa from 'koa';
import type { Host } from '../stage.ts';
import { ErrorRecorder, listen } from './server.ts';

export const koa: Host = {
  name: 'Koa, the example of a host',
  protocols: ['HTTP/1.1', 'HTTP/1.0'],
  async serve(app, { scriptName = '', environ, maxBodySize }) {
    const errors = new ErrorRecorder();
    const handed: unknown[] = [];
    const root = new Koa();
    root.on('error', (error) => {
      // Koa itself reports every connection that is reset, whoever was answering.
      if (error.syscall !== 'read') handed.push(error);
    });
    root.use(
      mountGateway(app, {
        scriptName: utf8ToWsgi(scriptName),
        errors,
        ...(environ !== undefined && { environ }),
        ...(maxBodySize !== undefined && { maxBodySize }),
      }),
    );
    const server = await listen(createServer(root.callback()));
    return {
      ...server,
      secure: false,
      protocol: 'http1',
      target: `${scriptName}/`,
      reported: () => errors.text,
      handed,
    };
  },
};
