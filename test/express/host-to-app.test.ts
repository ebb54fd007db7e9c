import { randomUUID } from 'node:crypto';
import { request as httpRequest, IncomingMessage } from 'node:http';
import { type Application, validator } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import compression from 'compression';
import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { echo, gate, getJson, serve, text, versions } from './support.ts';

describe.each(versions)('what the host knows, in $version', ({ express }) => {
  it('reaches the app by the environ option, for each request', async () => {
    const host = express();
    host.use((request, response, next) => {
      Object.assign(response.locals, { id: request.get('x-request-id') ?? randomUUID() });
      Object.assign(request, { user: { name: request.get('x-user') } });
      next();
    });
    host.use(
      '/projects/:project',
      mountGateway(echo('REMOTE_USER', 'my.id', 'my.project', 'my.query'), {
        environ: (request: Request) => ({
          REMOTE_USER: request.user?.name,
          'my.id': request.res?.locals.id,
          'my.project': request.params.project,
          'my.query': request.query,
        }),
      }),
    );
    const origin = await serve(host);
    const get = (user: string, id: string) =>
      getJson(origin, `/projects/${user}-1/x?q=1`, { 'X-User': user, 'X-Request-Id': id });
    expect(await Promise.all([get('ada', 'one'), get('bob', 'two')])).toEqual([
      { REMOTE_USER: 'ada', 'my.id': 'one', 'my.project': 'ada-1', 'my.query': { q: '1' } },
      { REMOTE_USER: 'bob', 'my.id': 'two', 'my.project': 'bob-1', 'my.query': { q: '1' } },
    ]);
  });

  it('comes last: it overrides what the request says, and no header can set it', async () => {
    const host = express();
    host.use(
      mountGateway(echo('REMOTE_USER', 'SERVER_NAME', 'HTTP_REMOTE_USER'), {
        environ: { SERVER_NAME: 'set.test' },
      }),
    );
    const seen = await getJson(await serve(host), '/', { 'Remote-User': 'mallory' });
    expect(seen).toEqual({ SERVER_NAME: 'set.test', HTTP_REMOTE_USER: 'mallory' });
  });

  it('is absent, to the validator as well, where the host says undefined', async () => {
    const host = express();
    host.use(
      mountGateway(validator(echo('REMOTE_USER', 'HTTP_X_USER')), {
        environ: (request: Request) => ({
          REMOTE_USER: request.user?.name,
          HTTP_X_USER: request.user?.name,
        }),
      }),
    );
    expect(await getJson(await serve(host), '/', { 'X-User': 'mallory' })).toEqual({});
  });

  it('is there as a whole in node.request', async () => {
    const host = express();
    let own: unknown;
    let seen: unknown;
    host.use((request, _response, next) => {
      own = request;
      next();
    });
    host.use(
      mountGateway((environ, startResponse) => {
        seen = environ['node.request'];
        return text('ok')(environ, startResponse);
      }),
    );
    await fetch(await serve(host));
    expect(seen).toBeInstanceOf(IncomingMessage);
    expect(seen).toBe(own);
  });

  it.each(['alone', 'behind compression'])(
    'of the client: gateway.signal fires when it goes, %s',
    async (how) => {
      const fired = gate<unknown>();
      const app: Application = async (environ, startResponse) => {
        const signal = environ['gateway.signal']();
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return (async function* () {
          yield Buffer.from('begun');
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          fired.open(signal.reason.code);
        })();
      };
      const host = express();
      if (how !== 'alone') host.use(compression());
      host.use(mountGateway(app));
      const headers = { 'Accept-Encoding': 'gzip' };
      const client = httpRequest(await serve(host), { headers, agent: false });
      client.on('response', (response) => response.once('data', () => client.destroy()));
      client.on('error', () => {}).end();
      expect(await fired.passed()).toBe('ECONNRESET');
    },
  );

  it('of the client: gateway.signal keeps still when the response is whole', async () => {
    const host = express();
    let signal: AbortSignal | undefined;
    const over = gate();
    host.use((_request, response, next) => {
      response.on('close', () => setImmediate(over.open));
      next();
    });
    host.use(
      mountGateway((environ, startResponse) => {
        signal = environ['gateway.signal']();
        return text('ok')(environ, startResponse);
      }),
    );
    await (await fetch(await serve(host))).text();
    await over.passed();
    expect(signal?.aborted).toBe(false);
  });
});
