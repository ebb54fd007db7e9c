import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import { describe, expect, it } from 'vitest';
import { gate, recorder, serve, text, versions } from './support.ts';

/** Answers one path, and 404 elsewhere. */
const oneRoute: Application = (environ, startResponse) => {
  const known = environ.PATH_INFO === '/new';
  startResponse(known ? '200 OK' : '404 Not Found', [['X-From', 'gateway']]);
  return [Buffer.from(known ? 'from the gateway' : 'no such page in the gateway')];
};

describe.each(versions)('cascade in $version', ({ express }) => {
  it('moves routes between host and application one by one', async () => {
    const host = express();
    host.use(mountGateway(oneRoute, { cascade: true }));
    host.get('/old', (_request, response) => void response.send('from the host'));
    const origin = await serve(host);

    const moved = await fetch(`${origin}/new`);
    expect([moved.status, await moved.text()]).toEqual([200, 'from the gateway']);
    const kept = await fetch(`${origin}/old`);
    expect([kept.status, await kept.text()]).toEqual([200, 'from the host']);
    const neither = await fetch(`${origin}/neither`);
    expect(neither.status).toBe(404);
    expect(await neither.text()).toContain('Cannot GET /neither');
  });

  it.each(['at once', 'later'])(
    'sends nothing of a response declined %s and leaves the response as it was',
    async (when) => {
      const host = express().disable('x-powered-by');
      const seen: unknown[] = [];
      host.use((_request, response, next) => {
        response.setHeader('Vary', 'Origin');
        seen.push(response.getHeaders(), response.statusCode, listeners(response));
        next();
      });
      host.use(
        mountGateway(
          (_environ, startResponse) => {
            startResponse('404 Gone Astray', [
              ['Set-Cookie', 'a=b'],
              ['Vary', 'Accept'],
              ['Content-Length', '3'],
            ]);
            const body = [Buffer.from('too long')];
            return when === 'at once' ? body : Promise.resolve(body);
          },
          { cascade: true },
        ),
      );
      host.use((_request, response) => {
        seen.push(response.getHeaders(), response.statusCode, listeners(response));
        response.end('host');
      });
      const response = await fetch(await serve(host));
      expect([response.status, response.statusText]).toEqual([200, 'OK']);
      expect(seen.slice(3)).toEqual(seen.slice(0, 3));
      expect(response.headers.get('set-cookie')).toBeNull();
    },
  );

  it.each([
    [true, '404 Not Found', 'host'],
    [true, '405 Method Not Allowed', 'host'],
    [true, '410 Gone', 'gateway'],
    [false, '404 Not Found', 'gateway'],
    [undefined, '404 Not Found', 'gateway'],
    [[], '404 Not Found', 'gateway'],
    [[410, 501], '410 Gone', 'host'],
    [[410, 501], '404 Not Found', 'gateway'],
  ])('with %j gives %s to the %s', async (cascade, status, winner) => {
    const host = express();
    const asked: string[] = [];
    host.use(mountGateway(text('gateway', status), { cascade }));
    host.use((_request, response) => {
      asked.push('host');
      if (!response.headersSent) response.send('host');
    });
    expect(await (await fetch(await serve(host))).text()).toBe(winner);
    expect(asked).toEqual(winner === 'host' ? ['host'] : []);
  });

  it.each([
    [404, '404'],
    ['yes', "'yes'"],
    [['404'], "[ '404' ]"],
    [[404n], '[ 404n ]'],
    [[Number.NaN], '[ NaN ]'],
    [new Set([404]), 'Set(1) { 404 }'],
    [null, 'null'],
    [[99], '[ 99 ]'],
    [[404.5], '[ 404.5 ]'],
  ])('refuses %o at mount, and shows it', (cascade, shown) => {
    const options: object = { cascade };
    expect(() => mountGateway(text(''), options)).toThrow(
      new TypeError(
        `cascade must be true (for 404 and 405), false, or an array of statuses from 200 to 599, not ${shown}`,
      ),
    );
  });

  it.each([
    'array',
    'generator',
    'endless generator',
    'async generator',
    'write',
    'empty',
    'promise',
  ])('closes the losing body of kind %s once, and only then goes on', async (kind) => {
    const log: string[] = [];
    const app: Application = (_environ, startResponse) => {
      const write = startResponse('404 Not Found', []);
      const body = bodyOf(kind, write, log);
      return kind === 'promise' ? Promise.resolve(body) : body;
    };
    const host = express();
    host.use(mountGateway(app, { cascade: true }));
    host.use((_request, response) => {
      log.push('next');
      response.send('host');
    });
    const response = await fetch(await serve(host));
    expect(await response.text()).toBe('host');
    expect(log).toEqual(['closed', 'next']);
  });

  it('goes by the last status when excInfo replaces the response', async () => {
    const host = express();
    host.use(
      mountGateway(
        (_environ, startResponse) => {
          startResponse('404 Not Found', []);
          startResponse('503 Service Unavailable', [], new Error('no'));
          return [Buffer.from('gateway')];
        },
        { cascade: true },
      ),
    );
    host.use((_request, response) => void response.send('host'));
    expect((await fetch(await serve(host))).status).toBe(503);
  });

  it('hands on a body that was not read, whole', async () => {
    const host = express();
    host.use(mountGateway(text('', '404 Not Found'), { cascade: true }));
    host.post('/', express.raw({ type: () => true, limit: '10mb' }), (request, response) => {
      response.send(String(request.body.length));
    });
    const origin = await serve(host);
    const size = 3_000_000;
    const response = await fetch(origin, { method: 'POST', body: Buffer.alloc(size, 'a') });
    expect(await response.text()).toBe(String(size));
  });

  it('serves the next request of the connection after a body of which a part was read', async () => {
    const host = express();
    host.use(
      mountGateway(
        async (environ, startResponse) => {
          await environ['wsgi.input'].read(10);
          startResponse('404 Not Found', []);
          return [];
        },
        { cascade: true },
      ),
    );
    host.use((request, response) => void response.send(request.method));
    const origin = await serve(host);
    for (let round = 0; round < 3; round += 1) {
      const body = Buffer.alloc(1_000_000, 'a');
      const response = await fetch(origin, { method: 'POST', body });
      expect(await response.text()).toBe('POST');
    }
  });

  it('takes no byte of a body for a read that was still waiting', async () => {
    const declined = gate();
    const host = express();
    host.use(
      mountGateway(
        (environ, startResponse) => {
          environ['wsgi.input'].read(1).catch(() => {});
          startResponse('404 Not Found', []);
          return [];
        },
        { cascade: true },
      ),
    );
    host.use((_request, _response, next) => {
      // The client sends its body only now.
      setImmediate(declined.open);
      next();
    });
    host.use(express.raw({ type: () => true }), (request, response) => {
      response.send(request.body);
    });
    const headers = { 'Transfer-Encoding': 'chunked' };
    const request = httpRequest(await serve(host), { method: 'POST', headers, agent: false });
    request.flushHeaders();
    await declined.passed();
    request.end('the body');
    const [response] = await once(request, 'response');
    expect(await readText(response)).toBe('the body');
  });

  it('gives an error after a declined write to the error handler, once', async () => {
    const { errors, lines } = recorder();
    const host = express();
    const passed: unknown[] = [];
    const gateway = mountGateway(
      (_environ, startResponse) => {
        startResponse('404 Not Found', [])(Buffer.from('no such page'));
        throw new Error('after all');
      },
      { cascade: true, errors },
    );
    host.use((request, response, next) =>
      gateway(request, response, (error) => {
        passed.push(error);
        next(error);
      }),
    );

    host.use(errorPage);
    const response = await fetch(await serve(host));
    expect([response.status, await response.text()]).toEqual([500, 'error: after all']);
    expect(lines.join('')).toContain('after all');
    expect(passed.map(String)).toEqual(['Error: after all']);
  });

  it('never declines the answer to a body that is too large', async () => {
    const host = express();
    host.use(mountGateway(text('gateway'), { cascade: [413], maxBodySize: 3 }));
    host.use((_request, response) => void response.send('host'));
    const response = await fetch(await serve(host), { method: 'POST', body: 'four' });
    expect(response.status).toBe(413);
  });

  it('reports a next handler that throws, and ends the connection', async () => {
    const { errors, lines } = recorder();
    const gateway = mountGateway(text('', '404 Not Found'), { cascade: true, errors });
    const origin = await serve((request, response) =>
      gateway(request, response, () => {
        throw new Error('thrown by next');
      }),
    );
    await expect(fetch(origin)).rejects.toThrow('fetch failed');
    expect(lines.join('')).toContain('thrown by next');
  });

  it('answers itself where there is no next handler', async () => {
    const gateway = mountGateway(text('nobody else', '404 Not Found'), { cascade: true });
    const response = await fetch(await serve((request, response) => gateway(request, response)));
    expect([response.status, await response.text()]).toEqual([404, 'nobody else']);
  });
});

function bodyOf(kind: string, write: (data: Uint8Array) => unknown, log: string[]) {
  const chunk = Buffer.from('no such page');
  const close = (): void => void log.push('closed');
  switch (kind) {
    case 'generator':
      return Object.assign(
        (function* () {
          yield chunk;
          yield chunk;
        })(),
        { close },
      );
    case 'endless generator':
      return Object.assign(
        (function* () {
          for (;;) yield chunk;
        })(),
        { close },
      );
    case 'async generator':
      return Object.assign(
        (async function* () {
          for (;;) yield chunk;
        })(),
        { close },
      );
    case 'write':
      write(chunk);
      write(chunk);
      return Object.assign([chunk], { close });
    case 'empty':
      return Object.assign([], { close });
    default:
      return Object.assign([chunk], { close });
  }
}

function errorPage(
  error: Error,
  _request: unknown,
  response: import('express').Response,
  _next: unknown,
): void {
  response.status(500).send(`error: ${error.message}`);
}

function listeners(response: NodeJS.EventEmitter): unknown {
  return response.eventNames().map((name) => [name, response.listenerCount(name)]);
}
