/** From when on a client's time counts. The clock is set by hand; a connection whose time is up tells that the server has looked. */
import { performance } from 'node:perf_hooks';
import { expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../hosts/behaviours/apps.ts';
import { dial, echo, serve, statuses } from './support.ts';

function setClock(): (now: number) => void {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
  onTestFinished(() => clock.mockRestore());
  return (now) => void clock.mockReturnValue(now);
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

it('the time for a head begins with that head, and not with its connection', async () => {
  const setTime = setClock();
  const server = await serve(echo, { headersTimeout: 500, keepAliveTimeout: 100_000 });
  const client = await dial(server);
  await client.send(get('/1')).until(/GET \/1$/);
  const idle = await dial(server);
  setTime(1400);
  await client.send(`${get('/2')}GET /3 HT`).until(/GET \/2$/);
  setTime(1600);
  expect(await idle.untilClosed()).toBe('');
  await client.send('TP/1.1\r\nHost: a\r\n\r\n').until(/GET \/3$/);
  expect(statuses(client.text)).toEqual([200, 200, 200]);
});

it('the time for a request begins with its head, and not with its body', async () => {
  const setTime = setClock();
  const called = deferred();
  const server = await serve(
    async (environ, startResponse) => {
      if (environ.PATH_INFO !== '/1') called.resolve();
      await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return [Buffer.from('answered')];
    },
    { headersTimeout: 0, requestTimeout: 500 },
  );
  const client = await dial(server);
  await client.send(`${get('/1')}POST /2 HT`).until(/answered$/);
  setTime(1400);
  client.send('TP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf');
  await called.promise;
  setTime(1600);
  expect(statuses(await client.untilClosed())).toEqual([200, 408]);
});

it('an empty line before the first request does not make the connection an idle one', async () => {
  const setTime = setClock();
  const server = await serve(echo, { headersTimeout: 10_000, keepAliveTimeout: 100 });
  const client = await dial(server);
  client.send('\r\n');
  const idle = await dial(server);
  await idle.send(get('/idle')).until(/GET \/idle$/);
  setTime(1200);
  await idle.untilClosed();
  expect(await client.send(get('/ok')).until(/GET \/ok$/)).toContain('200 OK');
});
