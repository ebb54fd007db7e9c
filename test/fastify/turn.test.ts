/** SPEC.md, section 4, rule 9, through Fastify's reply. */
import type { Application } from '@wsgi/core';
import { fastifyGateway } from '@wsgi/fastify';
import { expect, it } from 'vitest';
import { stopClock } from '../clock.ts';
import { host, listen } from './support.ts';

const quick: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  const chunk = Buffer.from(`for ${environ.PATH_INFO}`);
  return Object.assign([chunk], { close: () => void chunk.fill('!') });
};

it('holds small answers until the turn ends, but for the first, and sends them as they were', async () => {
  const { app } = host();
  const sent: boolean[] = [];
  app.addHook('preHandler', (_request, reply, done) => {
    // After the handler, which runs as soon as this hook is done.
    process.nextTick(() => sent.push(reply.sent));
    done();
  });
  await app.register(fastifyGateway, { app: quick });
  const origin = `http://127.0.0.1:${await listen(app)}`;
  stopClock();
  const bodies: string[] = [];
  for (const path of ['/1', '/2', '/3']) bodies.push(await (await fetch(origin + path)).text());
  expect(sent).toEqual([true, false, false]);
  expect(bodies.slice(1)).toEqual(['for /2', 'for /3']);
});

it('answers with the error of a hook that fails at the end of the turn', async () => {
  const { app } = host();
  app.addHook('onSend', (request, _reply, payload, done) => {
    if (request.url === '/bad') done(new Error('the hook failed'));
    else done(null, payload);
  });
  await app.register(fastifyGateway, { app: quick });
  const origin = `http://127.0.0.1:${await listen(app)}`;
  stopClock();
  expect((await fetch(`${origin}/1`)).status).toBe(200);
  const bad = await fetch(`${origin}/bad`);
  expect([bad.status, await bad.text()]).toEqual([500, expect.stringContaining('the hook failed')]);
  expect(await (await fetch(`${origin}/2`)).text()).toBe('for /2');
});
