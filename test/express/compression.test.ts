import { request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { createGunzip, gunzipSync } from 'node:zlib';
import type { Application, HeaderList } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import compression from 'compression';
import { describe, expect, it } from 'vitest';
import { gate, rawGet, serve, versions } from './support.ts';

const PAGE = Buffer.from('a page that says the same again and again. '.repeat(1000));

function page(headers: HeaderList, chunks: Uint8Array[] = [PAGE]): Application {
  return (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain'], ...headers]);
    return chunks;
  };
}

describe.each(versions)('compression before an app in $version', ({ express }) => {
  async function mounted(app: Application): Promise<string> {
    const host = express();
    host.use(compression());
    host.use(mountGateway(app));
    return await serve(host);
  }

  it.each([
    ['one chunk', page([])],
    ['one chunk with its Content-Length', page([['Content-Length', String(PAGE.length)]])],
    ['several chunks', page([], [PAGE.subarray(0, 5000), PAGE.subarray(5000)])],
    ['an async generator', generated],
  ])('compresses %s', async (_name, app) => {
    const response = await rawGet(await mounted(app), { 'Accept-Encoding': 'gzip' });
    expect(response.headers['content-encoding']).toBe('gzip');
    expect(response.headers['content-length']).toBeUndefined();
    expect(response.headers.vary).toContain('Accept-Encoding');
    expect(response.body.length).toBeLessThan(PAGE.length / 10);
    expect(gunzipSync(response.body).equals(PAGE)).toBe(true);
  });

  it('leaves alone what the client cannot decode, or the app has encoded', async () => {
    const plain = await rawGet(await mounted(page([])), { 'Accept-Encoding': 'identity' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers['content-length']).toBe(String(PAGE.length));
    expect(plain.body.equals(PAGE)).toBe(true);

    const own = await mounted(page([['Content-Encoding', 'x-own']]));
    const encoded = await rawGet(own, { 'Accept-Encoding': 'gzip' });
    expect(encoded.headers['content-encoding']).toBe('x-own');
    expect(encoded.body.equals(PAGE)).toBe(true);
  });

  it('sends no body to HEAD and for 304', async () => {
    const origin = await mounted(page([]));
    const head = await fetch(origin, { method: 'HEAD' });
    expect([head.status, (await head.arrayBuffer()).byteLength]).toEqual([200, 0]);
    const unchanged = await mounted((_environ, startResponse) => {
      startResponse('304 Not Modified', [['ETag', '"1"']]);
      return [PAGE];
    });
    const response = await rawGet(unchanged, { 'Accept-Encoding': 'gzip' });
    expect([response.status, response.body.length]).toEqual([304, 0]);
  });

  it('lets each server-sent event through before the next is made', async () => {
    const events = gate();
    const origin = await mounted(async function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/event-stream']]);
      for (let id = 0; id < 3; id += 1) {
        yield Buffer.from(`data: ${id}\n\n`);
        // The client opens the gate when it has seen the event: one that is held back would hang the test.
        await events.passed();
      }
    });
    const response = await fetch(origin, { headers: { 'Accept-Encoding': 'gzip' } });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    let seen = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      seen += decoder.decode(chunk, { stream: true });
      if (seen.endsWith('\n\n')) events.open();
    }
    expect(seen).toBe('data: 0\n\ndata: 1\n\ndata: 2\n\n');
  });

  it('lets through what the write callable is given, before the app returns', async () => {
    const returned = gate();
    const origin = await mounted(async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
      await write(Buffer.from('first'));
      await returned.passed();
      return [Buffer.from(' last')];
    });
    const response = await fetch(origin, { headers: { 'Accept-Encoding': 'gzip' } });
    let seen = '';
    for await (const chunk of response.body ?? []) {
      seen += Buffer.from(chunk).toString();
      if (seen === 'first') returned.open();
    }
    expect(seen).toBe('first last');
  });

  it('holds the app back when the client does not read, and stops it when the client goes', async () => {
    const closed = gate();
    let made = 0;
    const noise = Buffer.from(Array.from({ length: 65536 }, () => Math.floor(Math.random() * 256)));
    const origin = await mounted((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return Object.assign(
        (async function* () {
          for (;;) {
            made += 1;
            yield noise;
            await new Promise(setImmediate);
          }
        })(),
        { close: () => closed.open() },
      );
    });
    const client = httpRequest(origin, { headers: { 'Accept-Encoding': 'gzip' }, agent: false });
    client.end();
    await new Promise((resolve) => client.on('response', (response) => resolve(response.pause())));
    let before = -1;
    // It has stopped when it makes no more over a while; endless production fails by the test's time limit.
    while (made !== before && made < 2000) {
      before = made;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(made).toBeLessThan(2000);
    client.on('error', () => {}).destroy();
    await closed.passed();
  });

  it('destroys the connection of a body that fails half-way', async () => {
    const host = express();
    host.use(compression());
    host.use(
      mountGateway(
        async function* (_environ, startResponse) {
          startResponse('200 OK', [['Content-Type', 'text/plain']]);
          yield PAGE;
          throw new Error('half-way');
        },
        { errors: { write() {}, writelines() {}, flush() {} } },
      ),
    );
    host.use(silent);
    const origin = await serve(host);
    const client = httpRequest(origin, { headers: { 'Accept-Encoding': 'gzip' }, agent: false });
    const whole = new Promise<string>((resolve, reject) => {
      client.on('error', reject).on('response', (response) => {
        response.on('error', reject);
        readText(response.pipe(createGunzip()).on('error', reject)).then(resolve, reject);
      });
    });
    client.end();
    await expect(whole).rejects.toThrow();
  });
});

const generated: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  for (let start = 0; start < PAGE.length; start += 1000) yield PAGE.subarray(start, start + 1000);
};

/** Express's own error handler, without its console. */
function silent(
  _error: unknown,
  _request: unknown,
  response: import('node:http').ServerResponse,
  _next: unknown,
): void {
  response.destroy();
}
