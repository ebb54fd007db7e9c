import cluster from 'node:cluster';
import { BodyInput, type Environ, emptySource, TextErrors } from '@wsgi/core';
import { ServerHandler } from '@wsgi/simple-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dial, echo, exchange, serve, statuses } from './support.ts';

describe('a ServerHandler on its own', () => {
  it('serves any output, and copies the environ that it is given', () => {
    let written = '';
    const stdout = {
      write(data: Uint8Array) {
        written += Buffer.from(data).toString('latin1');
      },
    };
    const given = { REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.1', HTTPS: 'on' };
    const errors = new TextErrors(() => {});
    const handler = new ServerHandler(new BodyInput(emptySource), stdout, errors, given);
    handler.extraEnviron = { 'mine.key': 1 };
    const seen: Environ[] = [];
    handler.run((environ, startResponse) => {
      seen.push(environ);
      startResponse('200 OK', []);
      return [Buffer.from('a')];
    });
    expect(seen[0]).toMatchObject({ 'wsgi.url_scheme': 'https', 'mine.key': 1 });
    expect(Object.keys(given)).toHaveLength(3);
    expect(written).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nContent-Length: 1\r\n\r\na$/);
  });
});

it.each([true, false])('says whether other processes serve the application: %j', (isWorker) => {
  const before = cluster.isWorker;
  Reflect.set(cluster, 'isWorker', isWorker);
  onTestFinished(() => void Reflect.set(cluster, 'isWorker', before));
  const errors = new TextErrors(() => {});
  const output = { write: () => {} };
  const handler = new ServerHandler(new BodyInput(emptySource), output, errors, {});
  expect(handler.wsgiMultiprocess).toBe(isWorker);
  // Nothing is known of when such an output lets go of what it was given.
  expect(handler.releasesBytes).toBe(false);
});

const post = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('a request body that turns out broken', () => {
  it('when the response is half sent, cuts the response off and is no error of the server', async () => {
    const log: string[] = [];
    const errors = new TextErrors((text) => log.push(text));
    const server = await serve(
      async function* (environ, startResponse) {
        startResponse('200 OK', []);
        yield Buffer.from('begun');
        await environ['wsgi.input'].read();
        yield Buffer.from('whole');
      } as Parameters<typeof serve>[0],
      { errors },
    );
    const client = await dial(server);
    await client.send(post).until(/begun/);
    const text = await client.send('zz\r\n').untilClosed();
    expect(statuses(text)).toEqual([200]);
    expect(text.includes('whole') || text.endsWith('0\r\n\r\n')).toBe(false);
    expect(log).toEqual([]);
  });

  it('when nobody reads it, costs the connection and not the response', async () => {
    const next = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
    const text = await exchange(await serve(echo), `${post}zz\r\n${next}`);
    expect(text).toMatch(/POST \/$/);
    expect(statuses(text)).toEqual([200]);
  });
});
