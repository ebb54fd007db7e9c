import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Application } from '@wsgi/core';
import { WSGIRequestHandler } from '@wsgi/simple-server';
import { expect, it, onTestFinished, vi } from 'vitest';
import { echo, exchange, serve } from './support.ts';

const close = 'Connection: close\r\n';

async function logged(app: Parameters<typeof serve>[0], text: string): Promise<string[]> {
  const lines: string[] = [];
  const server = await serve(app, { log: (line) => lines.push(line), errors: silent });
  await exchange(server, text);
  return lines;
}

const silent = { write() {}, writelines() {}, flush() {} };

it('has a line for each response: client, time, request line, status, size', async () => {
  const [line] = await logged(echo, `GET /a?b HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  const time = /\[\d\d\/[A-Z][a-z]{2}\/\d{4} \d\d:\d\d:\d\d\]/.source;
  expect(line).toMatch(new RegExp(`^127\\.0\\.0\\.1 - - ${time} "GET /a\\?b HTTP/1\\.1" 200 6$`));
});

it('tells the local time as Python does, in each month and second', async () => {
  const clock = vi.spyOn(Date, 'now');
  onTestFinished(() => clock.mockRestore());
  const server = await serve(echo);
  const handler = new WSGIRequestHandler(server, { address: undefined, port: undefined });
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'];
  months.push('Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec');
  for (const [index, month] of months.entries()) {
    for (const second of [6, 59]) {
      clock.mockReturnValue(new Date(2026, index, 2, 13, 5, second, 999).getTime());
      const told = `02/${month}/2026 13:05:${second === 6 ? '06' : '59'}`;
      expect(handler.logDateTimeString()).toBe(told);
      expect(handler.logDateTimeString()).toBe(told);
    }
  }
});

it('has the last lines of a process that ends in the same turn', async () => {
  const script = `
    import { WSGIRequestHandler, WSGIServer } from '@wsgi/simple-server';
    const client = { address: '192.0.2.1', port: 1 };
    new WSGIRequestHandler(new WSGIServer('127.0.0.1'), client).logError('the last one');
    process.exit();
  `;
  const cwd = import.meta.dirname;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { cwd });
  onTestFinished(() => void child.kill('SIGKILL'));
  expect(await text(child.stderr)).toMatch(/^192\.0\.2\.1 - - \[.*\] the last one\n$/);
});

it('has a line for a response that failed', async () => {
  const fails = (): never => {
    throw new Error('mine');
  };
  const [line] = await logged(fails, `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  expect(line).toMatch(/"GET \/ HTTP\/1\.1" 500 \d+$/);
});

it('has a line for a request whose environ could not be made', async () => {
  const lines: string[] = [];
  const environ = (): never => {
    throw new Error('mine');
  };
  const server = await serve(echo, { log: (line) => lines.push(line), errors: silent, environ });
  await exchange(server, 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(lines).toEqual([expect.stringMatching(/"GET \/a HTTP\/1\.1" 500 \d+$/)]);
});

it('has a line for a request that was refused', async () => {
  expect((await logged(echo, 'GET / HTTP/3.0\r\n\r\n'))[0]).toMatch(/"GET \/ HTTP\/3\.0" 505 \d+$/);
  expect((await logged(echo, '\0\0'))[0]).toMatch(/\] "" 400 \d+$/);
});

it('does not name the request before one that was refused for its line', async () => {
  const good = 'GET /good HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const [bad, status] of [
    ['GET /bad\0', 400],
    [`GET /${'a'.repeat(20_000)}`, 414],
  ]) {
    const lines = await logged(echo, good + bad);
    expect(lines).toEqual([
      expect.stringMatching(/"GET \/good HTTP\/1\.1" 200 \d+$/),
      expect.stringMatching(new RegExp(`"" ${status} \\d+$`)),
    ]);
  }
});

it('escapes what could forge a line or end the quotes', async () => {
  const forged = 'GET /" 200 1\\ HTTP/1.1\r\nHost: a\r\n\r\n';
  expect((await logged(echo, forged))[0]).toContain('"GET /\\" 200 1\\\\ HTTP/1.1" 400');
  const high = `GET /\x9b31m\xe9 HTTP/1.1\r\nHost: a\r\n\r\n`;
  expect((await logged(echo, high))[0]).toContain('"GET /\\x9b31m\\xe9 HTTP/1.1" 400');
});

it('cannot be forged through what a handler class adds to it', async () => {
  const lines: string[] = [];
  class Mine extends WSGIRequestHandler {
    #path = '';
    override getEnviron(request: Parameters<WSGIRequestHandler['getEnviron']>[0]) {
      const environ = super.getEnviron(request);
      this.#path = environ.PATH_INFO;
      return environ;
    }
    override logRequest(code: string): void {
      this.logMessage(`"${this.#path}" ${code}`);
    }
  }
  const server = await serve(echo, { handlerClass: Mine, log: (line) => lines.push(line) });
  await exchange(server, `GET /%0a%1b[2J%c2%9b%C3%A9 HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  expect(lines).toEqual([
    expect.stringMatching(/\] "\/\\x0a\\x1b\[2J\u00c2\\x9b\u00c3\u00a9" 200$/),
  ]);
});

it('can be changed by a handler class', async () => {
  const codes: string[] = [];
  class Mine extends WSGIRequestHandler {
    override logRequest(code: string): void {
      codes.push(`${this.requestLine} ${code}`);
    }
    override getEnviron(request: Parameters<WSGIRequestHandler['getEnviron']>[0]) {
      return { ...super.getEnviron(request), PATH_INFO: '/mine' };
    }
  }
  const server = await serve(echo, { handlerClass: Mine });
  const text = await exchange(server, `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  expect(text).toMatch(/GET \/mine$/);
  expect(codes).toEqual(['GET / HTTP/1.1 200']);
});

it('goes to standard error by default, the lines of one turn in one write', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  const server = await serve(echo, { log: undefined });
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n`;
  await exchange(server, `${get('/1')}\r\n${get('/2')}${close}\r\n`);
  await new Promise((resolve) => setImmediate(resolve));
  const written = write.mock.calls.map(([text]) => String(text)).filter((text) => text !== '');
  expect(written).toEqual([expect.stringMatching(/^.*"GET \/1 .*\n.*"GET \/2 .*\n$/)]);
});

it('has a dash for a client without an address, and escapes any text in a message', async () => {
  const lines: string[] = [];
  const server = await serve(echo, { log: (line) => lines.push(line) });
  const handler = new WSGIRequestHandler(server, { address: undefined, port: undefined });
  handler.logError('caf\u00e9 \u2028 \ud83d\ude00\n');
  expect(lines[0]).toMatch(/^- - - \[.*\] caf\\xe9 \\u2028 \\ud83d\\ude00\\x0a$/);
});

it('costs neither the answer nor the close of its body when it fails, and says so', async () => {
  let reported = '';
  let closes = 0;
  const app: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return Object.assign([Buffer.from('ok')], {
      close: () => {
        closes += 1;
      },
    });
  };
  const log = (): never => {
    throw new Error('no space left');
  };
  const logLater = async (): Promise<never> => log();
  const errors = {
    ...silent,
    write: (text: string) => {
      reported += text;
    },
  };
  const later: Application = async (...args) => app(...args);
  const pairs = [
    { served: app, log },
    { served: later, log },
    { served: app, log: logLater },
    { served: later, log: logLater },
  ];
  for (const { served, log } of pairs) {
    const server = await serve(served, { log, errors });
    const request = 'GET / HTTP/1.1\r\nHost: a\r\n';
    const text = await exchange(server, `${request}\r\n${request}${close}\r\n`);
    expect(text.match(/^ok/gm)).toHaveLength(2);
    await expect.poll(() => reported.match(/no space left/g)).toHaveLength(2);
    expect(closes).toBe(2);
    reported = '';
    closes = 0;
  }
});
