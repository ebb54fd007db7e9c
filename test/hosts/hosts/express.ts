import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { mountGateway } from '@wsgi/express';
import express5 from 'express';
import express4 from 'express4';
import { vi } from 'vitest';
import type { Host } from '../stage.ts';
import { ErrorRecorder, listen } from './server.ts';

/** What is used of either major version; each has typings of its own, checked in test/types. */
type Express = typeof express5;

function expressHost(name: string, express: Express): Host {
  return {
    name,
    protocols: ['HTTP/1.1', 'HTTP/1.0'],
    async serve(app, { scriptName = '', environ, maxBodySize }) {
      const errors = new ErrorRecorder();
      const handed: unknown[] = [];
      const root = express();
      // In production Express's own error handler tells strangers nothing, and logs to the console.
      root.set('env', 'production');
      const log = vi
        .spyOn(console, 'error')
        // Indented: what reached `wsgi.errors` stands at the beginning of a line.
        .mockImplementation((text) => errors.write(`${inspect(text).replace(/^/gm, '  ')}\n`));

      const gateway = mountGateway(app, {
        errors,
        ...(environ !== undefined && { environ }),
        ...(maxBodySize !== undefined && { maxBodySize }),
      });
      const segments = scriptName.split('/').slice(1);
      const last = segments.pop();
      let router: ReturnType<typeof express5.Router> = root;
      for (const segment of segments) {
        const inner = express.Router();
        router.use(`/${encodeURI(segment)}`, inner);
        router = inner;
      }
      if (last === undefined) router.use(gateway);
      else router.use(`/${encodeURI(last)}`, gateway);

      const record: express5.ErrorRequestHandler = (error, _request, _response, next) => {
        handed.push(error);
        next(error);
      };
      root.use(record);

      const server = await listen(createServer(root));
      return {
        ...server,
        secure: false,
        protocol: 'http1',
        target: `${scriptName}/`,
        reported: () => errors.text,
        handed,
        async close() {
          await server.close();
          // Express logs an error after it has answered, by setImmediate.
          await new Promise((resolve) => setImmediate(resolve));
          log.mockRestore();
        },
      };
    },
  };
}

export const expressFour: Host = expressHost('Express 4', express4 as unknown as Express);
export const expressFive: Host = expressHost('Express 5', express5);
