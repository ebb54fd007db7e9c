import { hostname } from 'node:os';
import { inspect } from 'node:util';
import { makeServer, WSGIServer } from '@wsgi/simple-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { echo } from './support.ts';

describe('makeServer', () => {
  it.each([
    [undefined, /host must be a string such as '127\.0\.0\.1', not undefined/],
    [8000, /not 8000$/],
    ['http://localhost:80', /must be a name or an address, not the URL 'http:\/\/localhost:80'$/],
  ])('refuses the host %j', async (host, message) => {
    await expect(makeServer(host as never, 0, echo)).rejects.toThrow(TypeError);
    await expect(makeServer(host as never, 0, echo)).rejects.toThrow(message);
  });

  it.each([-1, 65536, 1.5, Number.NaN, '80', 80n])(
    'refuses the port %o, and shows it',
    async (port) => {
      await expect(makeServer('127.0.0.1', port as never, echo)).rejects.toThrow(
        new RangeError(
          `port must be a whole number from 0 (any free one) to 65535, not ${inspect(port)}`,
        ),
      );
    },
  );

  it.each(['', '0.0.0.0'])('listens on all addresses for the host %j', async (host) => {
    const server = await makeServer(host, 0, echo, { log: false });
    onTestFinished(() => server.close());
    expect(server.url).toBe(`http://localhost:${server.port}`);
    expect(server.baseEnviron.SERVER_NAME).toBe(hostname());
    expect(await (await fetch(`http://127.0.0.1:${server.port}/a`)).text()).toBe('GET /a');
  });

  it.each([
    ['log', true, 'a function of one line, or false for no access log'],
    ['tls', true, 'the options of tls.createServer, such as { key, cert }'],
    ['tls', false, 'the options of tls.createServer, such as { key, cert }'],
    ['handlerClass', {}, 'a class that extends WSGIRequestHandler'],
    ['handlerClass', null, 'a class that extends WSGIRequestHandler'],
    ['handlerClass', Math.max, 'a class that extends WSGIRequestHandler'],
    ['handlerClass', WSGIServer, 'a class that extends WSGIRequestHandler'],
  ])('refuses the option %s: %o, and shows it', async (name, value, takes) => {
    const options: object = { [name]: value };
    const made = makeServer('127.0.0.1', 0, echo, options);
    // Where it is not refused, it shall not stay.
    made.then((server) => server.close()).catch(() => {});
    const shown = inspect(value, { depth: 0 });
    await expect(made).rejects.toThrow(new TypeError(`${name} must be ${takes}, not ${shown}`));
  });
});

describe('a server that does not listen', () => {
  it('has an IPv6 address in brackets for its name, no port and no url', () => {
    const server = new WSGIServer('::1');
    expect([server.serverName, server.port]).toEqual(['[::1]', undefined]);
    expect(() => server.url).toThrow('the server does not listen, so it has no url');
    expect(server.baseEnviron.SERVER_PORT).toBe('80');
  });

  it.each(['', '0.0.0.0', '::'])('has the name of this machine for the host %j', (host) => {
    expect(new WSGIServer(host).serverName).toBe(hostname());
  });

  it('has no application before setApp()', () => {
    expect(() => new WSGIServer('127.0.0.1').getApp()).toThrow('call setApp() first');
  });
});
