import type { Application, HeaderList } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import cors from 'cors';
import helmet from 'helmet';
import { describe, expect, it } from 'vitest';
import { serve, text, versions } from './support.ts';

function answer(headers: HeaderList, body = 'ok'): Application {
  return (_environ, startResponse) => {
    startResponse('200 Fine', headers);
    return [Buffer.from(body)];
  };
}

describe.each(versions)('header fields set before an app in $version', ({ express }) => {
  it('by helmet reach the client', async () => {
    const host = express();
    host.use(helmet());
    host.use(mountGateway(answer([['Content-Type', 'text/html']])));
    const { headers, statusText } = await fetch(await serve(host));
    expect(statusText).toBe('Fine');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toContain('max-age=');
    expect(headers.has('x-powered-by')).toBe(false);
    expect(headers.get('content-type')).toBe('text/html');
  });

  it("by helmet are replaced by the app's own", async () => {
    const host = express();
    host.use(helmet());
    host.use(mountGateway(answer([['x-frame-options', 'DENY']])));
    expect((await fetch(await serve(host))).headers.get('x-frame-options')).toBe('DENY');
  });

  it('are kept where they are several cookies, and the app adds one of its own', async () => {
    const host = express();
    host.use((_request, response, next) => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      next();
    });
    host.use(mountGateway(answer([['Set-Cookie', 'c=3']])));
    const { headers } = await fetch(await serve(host));
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2', 'c=3']);
  });

  it('say with Vary: * that all varies, whatever the app adds', async () => {
    const host = express();
    host.use((_request, response, next) => {
      response.setHeader('Vary', 'Accept, *');
      next();
    });
    host.use(mountGateway(answer([['Vary', 'Cookie']])));
    expect((await fetch(await serve(host))).headers.get('vary')).toBe('*');
  });

  it("by cors reach the client, and its Vary is merged with the app's", async () => {
    const host = express();
    host.use(cors({ origin: 'http://other.test', credentials: true, exposedHeaders: ['X-Count'] }));
    host.use(
      mountGateway(
        answer([
          ['Vary', 'Accept'],
          ['Vary', 'origin, Cookie'],
          ['X-Count', '3'],
        ]),
      ),
    );
    const headers = { Origin: 'http://other.test' };
    const response = await fetch(await serve(host), { headers });
    expect(response.headers.get('access-control-allow-origin')).toBe('http://other.test');
    expect(response.headers.get('access-control-allow-credentials')).toBe('true');
    expect(response.headers.get('access-control-expose-headers')).toBe('X-Count');
    expect(response.headers.get('vary')).toBe('Origin, Accept, Cookie');
  });

  it("answer a preflight in the app's stead", async () => {
    let called = false;
    const host = express();
    host.use(cors());
    host.use(
      mountGateway((_environ, startResponse) => {
        called = true;
        return answer([])(_environ, startResponse);
      }),
    );
    const response = await fetch(await serve(host), {
      method: 'OPTIONS',
      headers: { Origin: 'http://other.test', 'Access-Control-Request-Method': 'PUT' },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(called).toBe(false);
  });

  it('reach the app as OPTIONS when cors lets preflights through', async () => {
    const host = express();
    host.use(cors({ preflightContinue: true }));
    host.use(
      mountGateway((environ, startResponse) => {
        startResponse('200 OK', [['X-Method', environ.REQUEST_METHOD]]);
        return [];
      }),
    );
    const response = await fetch(await serve(host), { method: 'OPTIONS' });
    expect(response.headers.get('x-method')).toBe('OPTIONS');
  });

  it('as cookies are added to, in order', async () => {
    const host = express();
    host.use((_request, response, next) => {
      response.cookie('host', '1');
      next();
    });
    host.use(
      mountGateway(
        answer([
          ['Set-Cookie', 'app=2; Path=/'],
          ['set-cookie', 'app2=3'],
        ]),
      ),
    );
    const { headers } = await fetch(await serve(host));
    expect(headers.getSetCookie()).toEqual(['host=1; Path=/', 'app=2; Path=/', 'app2=3']);
  });

  it('survive an app that has none of its own, with their arrays and numbers', async () => {
    const host = express();
    host.use((_request, response, next) => {
      response.setHeader('X-List', ['a', 'b']);
      response.setHeader('X-Number', 7);
      response.status(418);
      next();
    });
    host.use(mountGateway(answer([])));
    const response = await fetch(await serve(host));
    expect(response.status).toBe(200);
    expect(response.headers.get('x-list')).toBe('a, b');
    expect(response.headers.get('x-number')).toBe('7');
  });

  it("keep the app's repeated fields apart", async () => {
    const host = express();
    host.use(helmet());
    host.use(
      mountGateway(
        answer([
          ['WWW-Authenticate', 'Basic realm="a"'],
          ['WWW-Authenticate', 'Bearer'],
        ]),
      ),
    );
    const { headers } = await fetch(await serve(host));
    expect(headers.get('www-authenticate')).toBe('Basic realm="a", Bearer');
  });

  it.each([
    ['Content-Length', '7', '200 OK', 'app', '3'],
    ['Content-Length', '7', '204 No Content', '', null],
    ['Transfer-Encoding', 'chunked', '200 OK', 'app', '3'],
  ])('%s: %s does not, under %s', async (name, value, status, body, length) => {
    const host = express();
    host.use((_request, response, next) => {
      response.setHeader(name, value);
      next();
    });
    host.use(mountGateway(text(body, status)));
    const response = await fetch(await serve(host));
    expect(await response.text()).toBe(body);
    expect(response.headers.get('content-length')).toBe(length);
    expect(response.headers.get('transfer-encoding')).toBeNull();
  });

  it.each(['Content-Length', 'Transfer-Encoding', 'X-Other'])(
    '%s does not get in the way of a body of unknown length',
    async (name) => {
      const host = express();
      host.use((_request, response, next) => {
        response.setHeader(name, name === 'Content-Length' ? '3' : 'chunked');
        next();
      });
      host.use(
        mountGateway(async function* (_environ, startResponse) {
          startResponse('200 OK', []);
          yield Buffer.from('streamed');
        }),
      );
      const response = await fetch(await serve(host));
      expect(await response.text()).toBe('streamed');
      const coding = response.headers.get('transfer-encoding');
      expect(coding).toBe(name === 'Transfer-Encoding' ? null : 'chunked');
    },
  );

  it.each([true, false])(
    'go through a setHeader that middleware has replaced, with others set: %s',
    async (others) => {
      const host = express();
      host.set('x-powered-by', others);
      host.use((_request, response, next) => {
        const { setHeader } = response;
        response.setHeader = function replaced(name, value) {
          const isCookie = name.toLowerCase() === 'set-cookie';
          return setHeader.call(this, name, isCookie ? `${value}; Secure` : value);
        };
        next();
      });
      host.use(
        mountGateway((_environ, startResponse) => {
          startResponse('200 OK', [['Set-Cookie', 'a=1']]);
          return [];
        }),
      );
      const response = await fetch(await serve(host));
      expect(response.headers.get('set-cookie')).toBe('a=1; Secure');
    },
  );

  it("can be read by middleware that wraps writeHead, the app's too", async () => {
    let seen: unknown;
    const host = express();
    host.use((_request, response, next) => {
      const { writeHead } = response;
      response.writeHead = function replaced(this: typeof response, ...head: unknown[]) {
        seen = [response.getHeader('x-app'), response.getHeader('x-powered-by')];
        response.setHeader('X-Late', 'yes');
        return Reflect.apply(writeHead, this, head);
      };
      next();
    });
    host.use(mountGateway(answer([['X-App', 'me']])));
    const { headers } = await fetch(await serve(host));
    expect(seen).toEqual(['me', 'Express']);
    expect(headers.get('x-late')).toBe('yes');
  });
});
