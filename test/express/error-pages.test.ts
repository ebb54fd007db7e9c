import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import type { ErrorRequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { dialEndpoint, wasReset } from '../torture/dial.ts';
import { recorder, serve, text, versions } from './support.ts';

const TEAPOT = Object.assign(new Error('short and stout'), { status: 418 });

const failing: Application = (_environ, startResponse) => {
  startResponse('200 OK', [
    ['Content-Type', 'application/x-app'],
    ['Content-Length', '5'],
    ['X-App', 'yes'],
  ]);
  throw TEAPOT;
};

describe.each(versions)('the error page of $version', ({ express }) => {
  it("is the host's, and gets the very error", async () => {
    const { errors, lines } = recorder();
    const seen: unknown[] = [];
    const host = express();
    host.use(mountGateway(failing, { errors }));
    host.use((_request, response) => void response.send('a handler that is skipped'));
    const page: ErrorRequestHandler = (error, request, response, _next) => {
      seen.push(error, request.originalUrl);
      response.status(error.status).json({ message: error.message });
    };
    host.use(page);
    const response = await fetch(`${await serve(host)}/x`);
    expect(response.status).toBe(418);
    expect(await response.json()).toEqual({ message: 'short and stout' });
    expect(seen).toEqual([TEAPOT, '/x']);
    expect(seen[0]).toBe(TEAPOT);
    expect(lines.join('')).toContain('short and stout');
  });

  it('has nothing of the failed response in its header fields', async () => {
    const host = express();
    host.use((_request, response, next) => {
      response.setHeader('X-Host', 'yes');
      next();
    });
    host.use(mountGateway(failing, { errors: recorder().errors }));
    const { headers } = await fetch(await serve(host));
    expect(headers.get('x-app')).toBeNull();
    expect(headers.get('content-type')).toContain('text/html');
    expect(headers.get('x-host')).toBe('yes');
  });

  it("by default is Express's own, with the error's status", async () => {
    const host = express();
    host.use(mountGateway(failing, { errors: recorder().errors }));
    const response = await fetch(await serve(host));
    expect(response.status).toBe(418);
    expect(await response.text()).toContain('<!DOCTYPE html>');
  });

  it('of a router comes before that of the host', async () => {
    const router = express.Router();
    router.use(mountGateway(failing, { errors: recorder().errors }));
    const inner: ErrorRequestHandler = (_error, _request, response, _next) => {
      response.status(500).send('inner');
    };
    router.use(inner);
    const host = express();
    host.use('/r', router);
    expect(await (await fetch(`${await serve(host)}/r`)).text()).toBe('inner');
  });

  it('is not asked for when the client leaves while its body is taken in before it', async () => {
    const { errors, lines } = recorder();
    const host = express();
    let asked = 0;
    let over = (): void => {};
    const closed = new Promise<void>((resolve) => {
      over = resolve;
    });
    host.use((_request, response, next) => {
      response.on('close', () => setImmediate(over));
      next();
    });
    host.use(mountGateway(failing, { errors }));
    const page: ErrorRequestHandler = (_error, _request, response, _next) => {
      asked += 1;
      response.end();
    };
    host.use(page);
    const port = Number(new URL(await serve(host)).port);
    const socket = await dialEndpoint({ port, secure: false, protocol: 'http1' });
    socket.write(
      'PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123',
    );
    await expect.poll(() => lines.length).toBeGreaterThan(0);
    socket.destroy();
    await closed;
    expect(asked).toBe(0);
  });

  it('may be an app itself', async () => {
    const host = express();
    const page = mountGateway(text('the page of an app', '500 Internal Server Error'));
    host.use(mountGateway(failing, { errors: recorder().errors }));
    const handler: ErrorRequestHandler = (_error, request, response, next) =>
      page(request, response, next);
    host.use(handler);
    const response = await fetch(await serve(host));
    expect([response.status, await response.text()]).toEqual([500, 'the page of an app']);
  });

  it('is not used for a status that the app has chosen', async () => {
    const host = express();
    host.use(mountGateway(text('own page', '503 Service Unavailable')));
    const response = await fetch(await serve(host));
    expect([response.status, await response.text()]).toEqual([503, 'own page']);
  });

  it('leaves the connection fit for the next request, though the body was read in part', async () => {
    const host = express();
    host.use(
      mountGateway(
        async (environ) => {
          await environ['wsgi.input'].read(10);
          throw TEAPOT;
        },
        { errors: recorder().errors },
      ),
    );
    const page: ErrorRequestHandler = (_error, _request, response, _next) => {
      response.status(500).send('page');
    };
    host.use(page);
    const origin = await serve(host);
    for (let round = 0; round < 3; round += 1) {
      const body = Buffer.alloc(1_000_000, 'a');
      expect(await (await fetch(origin, { method: 'POST', body })).text()).toBe('page');
    }
  });

  it('that destroys what was begun does not make it look whole to HTTP/1.0', async () => {
    const host = express();
    const app: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('half');
      throw TEAPOT;
    };
    host.use(mountGateway(app, { errors: recorder().errors }));
    const page: ErrorRequestHandler = (_error, _request, response, _next) => {
      response.destroy();
    };
    host.use(page);
    const port = Number(new URL(await serve(host)).port);
    const socket = await dialEndpoint({ port, secure: false, protocol: 'http1' });
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await wasReset(socket)).toBe(true);
  });

  it("is the adapter's own where there is no next", async () => {
    const { errors, lines } = recorder();
    const gateway = mountGateway(failing, { errors });
    const response = await fetch(await serve((request, response) => gateway(request, response)));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('short and stout');
    expect(lines.join('')).toContain('short and stout');
  });
});
