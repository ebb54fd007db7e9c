import type { Application } from '@wsgi/core';
import { expect, it, onTestFinished, vi } from 'vitest';
import { dial, echoBody, serve, statuses } from './support.ts';

const head = (length: number): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;

it('keeps the bytes of many clients apart that send at the same time', async () => {
  const server = await serve(echoBody);
  const names = Array.from({ length: 20 }, (_, index) => `<client ${index}>`.padEnd(5000, '.'));
  const clients = await Promise.all(
    names.map(async (name) => ({ name, client: await dial(server) })),
  );
  // In turns: what one has sent waits in the server while the others send.
  const turns = 4;
  for (let turn = 0; turn < turns; turn++) {
    for (const { name, client } of clients) {
      client.send(turn === 0 ? head(turns * name.length) + name : name);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const { name, client } of clients) {
    expect(await client.untilClosed()).toMatch(new RegExp(`\r\n\r\n(${name}){${turns}}$`));
  }
});

it('keeps what has come before the application asks for it', async () => {
  const late: Application = async (environ, startResponse) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return echoBody(environ, startResponse);
  };
  const server = await serve(late);
  const bodies = Array.from({ length: 20 }, (_, index) => `<client ${index}>`);
  const texts = await Promise.all(
    bodies.map(async (body) => {
      const client = await dial(server);
      return client.send(head(body.length) + body).untilClosed();
    }),
  );
  expect(texts.map((text) => text.split('\r\n\r\n')[1])).toEqual(bodies);
});

it('serves where Node shows no handle of a connection', async () => {
  const { get } = Reflect;
  const spy = vi
    .spyOn(Reflect, 'get')
    .mockImplementation((target, key, ...rest) =>
      key === '_handle' ? undefined : get(target, key, ...rest),
    );
  onTestFinished(() => spy.mockRestore());
  const server = await serve(echoBody);
  const client = await dial(server);
  const text = await client.send(`${head(5)}hello`).untilClosed();
  expect(spy).toHaveBeenCalledWith(expect.anything(), '_handle');
  expect(statuses(text)).toEqual([200]);
  expect(text).toMatch(/hello$/);
});
