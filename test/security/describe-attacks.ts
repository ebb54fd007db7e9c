import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Application, Environ } from '@wsgi/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Host, MountOptions } from '../hosts/stage.ts';
import { attacks } from './attacks.ts';

/** Sends every attack over a socket, and reads the answer. */
export function describeAttacks(host: Host): void {
  const reads = host.ownParser === true;
  describe(host.name, () => {
    for (const [row, all] of attacks) {
      const list = all.filter(({ parser }) => reads || parser === 'any');
      if (list.length === 0) continue;
      describe(`refuses ${row}`, () => {
        for (const attack of list) {
          it(attack.name, () => refuses(host, attack.bytes, attack.statuses));
        }
      });
    }
    describe('is not deceived by', () => deceptions(host));
  });
}

/** The request after the attack is never served: after such an error nobody knows where it begins. */
async function refuses(host: Host, bytes: string, statuses: readonly number[]): Promise<void> {
  const seen: string[] = [];
  const text = await send(
    host,
    `${bytes}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    async (environ, start) => {
      seen.push(environ.PATH_INFO);
      // What is wrong with a body shows when it is read.
      await environ['wsgi.input'].read();
      start('200 OK', []);
      return [Buffer.from('served')];
    },
  );
  const answered = Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, code]) => Number(code));
  expect(seen).not.toContain('/smuggled');
  expect(text).not.toContain('served');
  if (host.ownParser === true) expect(answered).toHaveLength(1);
  for (const status of answered) expect(statuses).toContain(status);
}

function deceptions(host: Host): void {
  const environOf = async (bytes: string): Promise<Environ> => {
    let seen: Environ | undefined;
    const text = await send(host, bytes, (environ, start) => {
      seen = environ;
      start('200 OK', []);
      return [];
    });
    if (seen === undefined) throw new Error(`not served: ${text}`);
    return seen;
  };
  const request = (fields: string, target = '/'): string =>
    `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n${fields}\r\n`;

  it('a Proxy header (httpoxy)', async () => {
    const environ = await environOf(request('Proxy: http://evil\r\npRoXy: http://evil\r\n'));
    expect(environ).not.toHaveProperty('HTTP_PROXY');
  });

  it('an underscore that passes for a hyphen', async () => {
    const environ = await environOf(request('X_Forwarded_For: evil\r\nX_Forwarded-For: evil\r\n'));
    expect(Object.values(environ)).not.toContain('evil');
  });

  it('headers named like keys of the environ', async () => {
    const names = ['SCRIPT-NAME', 'REMOTE-USER', 'REMOTE-ADDR', 'PATH-INFO', 'wsgi.input', 'HTTPS'];
    const environ = await environOf(request(names.map((name) => `${name}: evil\r\n`).join('')));
    for (const [key, value] of Object.entries(environ)) {
      if (value === 'evil') expect(key).toMatch(/^HTTP_/);
    }
    expect(environ.SCRIPT_NAME).toBe('');
    expect(environ.REMOTE_ADDR).toBe('127.0.0.1');
    expect(environ).not.toHaveProperty('REMOTE_USER');
  });

  it('forwarded headers', async () => {
    const fields =
      'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6;proto=https\r\n';
    const environ = await environOf(request(fields));
    expect(environ).toMatchObject({
      REMOTE_ADDR: '127.0.0.1',
      'wsgi.url_scheme': 'http',
      HTTP_HOST: 'a.example',
    });
  });

  it('a __proto__ header', async () => {
    const environ = await environOf(request('__proto__: evil\r\nconstructor: evil\r\n'));
    expect(Object.getPrototypeOf(environ)).not.toBe('evil');
    expect(environ['constructor']).not.toBe('evil');
    expect(environ['HTTP_CONSTRUCTOR']).toBe('evil');
  });

  it('a path that begins with two slashes', async () => {
    const { requestUri, applicationUri } = await import('@wsgi/core');
    const environ = await environOf(request('', '//evil.example/x'));
    expect(environ.REQUEST_URI).toBe('//evil.example/x');
    for (const uri of [requestUri(environ), applicationUri(environ)]) {
      expect(new URL(uri).hostname).toBe('a.example');
    }
  });

  it('trailers, which never reach the environ', async () => {
    const environ = await environOf(
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: evil\r\n\r\n`,
    );
    expect(Object.values(environ)).not.toContain('evil');
  });

  it('an encoded prefix before a mount', async () => {
    const seen: string[] = [];
    const app: Application = (environ, start) => {
      seen.push(`${environ.SCRIPT_NAME}|${environ.PATH_INFO}`);
      start('200 OK', []);
      return [];
    };
    await send(host, request('', '/gw%2Fadmin'), app, { scriptName: '/gw' });
    await send(host, request('', '/gw/%2e%2e/x%2Fy'), app, { scriptName: '/gw' });
    expect(seen).toEqual(['/gw|/../x/y']);
  });

  it('CR and LF in names, values and statuses that an application passes on', async () => {
    for (const response of [
      ['200 OK\r\nX-Evil: 1', 'X-A', 'b'],
      ['200 OK', 'X-A\r\nX-Evil', 'b'],
      ['200 OK', 'X-A', 'b\r\nX-Evil: 1'],
      ['200 OK', 'X-A', 'b\nX-Evil: 1'],
      ['200 OK', 'X-A', 'b\u010d\u010aX-Evil: 1'],
    ] as const) {
      const text = await send(host, request(''), (_environ, start) => {
        const [status, name, value] = response;
        start(status, [[name, value]]);
        return [Buffer.from('split')];
      });
      expect(text).toMatch(/^HTTP\/1\.1 500 /);
      expect(text.slice(0, text.indexOf('\r\n\r\n'))).not.toMatch(/X-Evil/i);
    }
  });

  it.runIf(host.showsMessages !== true)(
    'an error of the application, which is shown to nobody',
    async () => {
      const text = await send(host, request(''), () => {
        throw new Error('secret at /etc/secret');
      });
      expect(text).toMatch(/^HTTP\/1\.1 500 /);
      expect(text).not.toMatch(/secret|\n +at |\.ts/);
    },
  );
}

/** Sends bytes to an application on a connection of their own; gives what comes until the server has closed. */
async function send(
  host: Host,
  bytes: string,
  app: Application,
  options: MountOptions = {},
): Promise<string> {
  const served = await host.serve(app, options);
  onTestFinished(() => served.close());
  const socket = connect(served.port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  // A server that has refused may reset the connection of a client that goes on sending.
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes, 'latin1');
  return received(socket);
}

async function received(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return text;
}
