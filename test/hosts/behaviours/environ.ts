import type { Environ } from '@wsgi/core';
import { FileWrapper, requestUri } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour } from '../stage.ts';
import { environOf, ok } from './apps.ts';

export const environ: Behaviour[] = [
  {
    name: 'every key that PEP 3333 asks for is there',
    async run(stage) {
      const { environ, mounted } = await environOf(stage);
      expect(environ).toMatchObject({
        REQUEST_METHOD: 'GET',
        SERVER_PORT: String(mounted.port),
        GATEWAY_INTERFACE: 'CGI/1.1',
        'wsgi.version': [1, 0],
        'wsgi.multithread': false,
        'wsgi.multiprocess': false,
        'wsgi.input_terminated': true,
        'wsgi.url_scheme': mounted.secure ? 'https' : 'http',
      });
      expect(environ.SERVER_NAME).toMatch(/./);
      expect(environ.SERVER_SOFTWARE).toMatch(/./);
      expect(environ['wsgi.input'].read).toBeTypeOf('function');
      expect(environ['wsgi.errors'].write).toBeTypeOf('function');
      expect(environ['wsgi.run_once']).toBeTypeOf('boolean');
    },
  },
  {
    name: 'wsgi.file_wrapper is FileWrapper',
    async run(stage) {
      const { environ } = await environOf(stage);
      expect(environ['wsgi.file_wrapper']).toBe(FileWrapper);
    },
  },
  {
    name: 'REQUEST_METHOD is the method as sent',
    async run(stage) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
        const { environ } = await environOf(stage, { method });
        expect(environ.REQUEST_METHOD).toBe(method);
      }
    },
  },
  {
    name: 'SERVER_PROTOCOL is the request’s',
    async run(stage) {
      const usual = await environOf(stage);
      expect(usual.environ.SERVER_PROTOCOL).toBe(usual.mounted.host.protocols[0]);
      const oldest = await environOf(stage, { oldest: true });
      expect(oldest.environ.SERVER_PROTOCOL).toBe(oldest.mounted.host.protocols.at(-1));
    },
  },
  {
    name: 'REMOTE_ADDR and REMOTE_PORT are the peer’s',
    async run(stage) {
      const seen: Environ[] = [];
      const mounted = await stage.mount((environ, startResponse) => {
        seen.push(environ);
        return ok(startResponse);
      });
      const connection = await mounted.connect();
      await connection.start().response;
      expect(seen[0]?.REMOTE_ADDR).toBe(connection.localAddress);
      expect(seen[0]?.REMOTE_PORT).toBe(String(connection.localPort));
    },
  },
  {
    name: 'the URI that the client asked for can be put together again',
    async run(stage) {
      const target = '/gw/a%20b/%C3%BC?q=%20';
      const { environ, mounted } = await environOf(stage, { target }, { scriptName: '/gw' });
      expect(requestUri(environ)).toBe(mounted.origin + target);
    },
  },
  {
    name: 'each request has a plain environ of its own',
    async run(stage) {
      const seen: Environ[] = [];
      const mounted = await stage.mount((environ, startResponse) => {
        seen.push(environ);
        expect(environ['left.behind']).toBeUndefined();
        environ['left.behind'] = true;
        return ok(startResponse);
      });
      const connection = await mounted.connect();
      await connection.start().response;
      await connection.start().response;
      expect(seen).toHaveLength(2);
      expect(seen[0]).not.toBe(seen[1]);
      for (const environ of seen) {
        expect([null, Object.prototype]).toContain(Object.getPrototypeOf(environ));
      }
    },
  },
  {
    name: 'every string is a native string, one code unit for each byte',
    async run(stage) {
      const { environ } = await environOf(stage, {
        target: '/%E2%82%AC?%E2%82%AC',
        headers: [['X-Byte', '\xe2\x82\xac']],
      });
      for (const value of Object.values(environ)) {
        if (typeof value === 'string') expect(value).toMatch(/^[\0-\xff]*$/);
      }
      expect(environ['HTTP_X_BYTE']).toBe('\xe2\x82\xac');
    },
  },
  {
    name: 'the process’s own environment stays out',
    async run(stage) {
      process.env['WSGI_HOSTS_SECRET'] = 'a password';
      try {
        const { environ } = await environOf(stage);
        expect(environ).not.toHaveProperty('WSGI_HOSTS_SECRET');
        expect(environ).not.toHaveProperty('PATH');
      } finally {
        delete process.env['WSGI_HOSTS_SECRET'];
      }
    },
  },
  {
    name: 'the option environ, an object, is added last',
    async run(stage) {
      const option = {
        REMOTE_USER: 'ada',
        SERVER_NAME: 'named.example',
        'my.object': { a: 1 },
      };
      const { environ } = await environOf(stage, {}, { environ: option });
      expect(environ).toMatchObject(option);
      expect(environ['my.object']).toBe(option['my.object']);
    },
  },
  {
    name: 'the option environ may name another mount than the one that the path was cut at',
    async run(stage) {
      const option = { SCRIPT_NAME: '/public/gw' };
      const mount = { scriptName: '/gw', environ: option };
      const { environ } = await environOf(stage, { target: '/gw/x' }, mount);
      expect(environ).toMatchObject({ ...option, PATH_INFO: '/x' });
    },
  },
  {
    name: 'the option environ, a function, is given the native request, for each request',
    async run(stage) {
      const requests: unknown[] = [];
      const seen: unknown[] = [];
      const mounted = await stage.mount(
        (environ, startResponse) => {
          seen.push(environ.REMOTE_USER);
          return ok(startResponse);
        },
        {
          environ(request) {
            requests.push(request);
            return { REMOTE_USER: `user ${requests.length}` };
          },
        },
      );
      await mounted.fetch({ method: 'PUT', target: '/x', body: '' });
      await mounted.fetch({ target: '/x' });
      expect(seen).toEqual(['user 1', 'user 2']);
      expect(requests[0]).toMatchObject({ method: 'PUT', url: '/x' });
      expect(requests[1]).toMatchObject({ method: 'GET', url: '/x' });
    },
  },
  {
    name: 'node.request is Node’s request, where there is one',
    async run(stage) {
      const seen: unknown[] = [];
      const mounted = await stage.mount((environ, startResponse) => {
        const request = environ['node.request'];
        seen.push(request?.method, request?.url, String(request?.socket.remotePort));
        seen.push(environ.REMOTE_PORT);
        return ok(startResponse);
      });
      await mounted.fetch({ method: 'DELETE', target: '/x' });
      if (mounted.host.ownParser === true) return expect(seen[0]).toBeUndefined();
      expect(seen.slice(0, 2)).toEqual(['DELETE', '/x']);
      expect(seen[2]).toBe(seen[3]);
    },
  },
  {
    name: 'gateway.signal gives one AbortSignal, quiet after a whole response',
    async run(stage) {
      const signals: AbortSignal[] = [];
      const mounted = await stage.mount((environ, startResponse) => {
        signals.push(environ['gateway.signal'](), environ['gateway.signal']());
        return ok(startResponse);
      });
      await mounted.fetch({ method: 'POST', body: 'all of it' });
      await mounted.fetch();
      expect(signals[0]).toBeInstanceOf(AbortSignal);
      expect(signals[0]).toBe(signals[1]);
      expect(signals[0]).not.toBe(signals[2]);
      expect(signals.map((signal) => signal.aborted)).toEqual([false, false, false, false]);
    },
  },
];
