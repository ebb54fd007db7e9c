/** A strict TypeScript project under NodeNext: the contract's types, and an option of each host. */

import type { Application, Environ, HeaderList } from '@wsgi/core';
import { Headers } from '@wsgi/core/headers';
import type { ResponseBody } from '@wsgi/core/types';
import { readChunks, setupTestingDefaults } from '@wsgi/core/util';
import { validator } from '@wsgi/core/validate';
import { mountGateway as mountInExpress } from '@wsgi/express';
import { fastifyGateway } from '@wsgi/fastify';
import { mountGateway } from '@wsgi/http';
import express from 'express';
import fastify from 'fastify';

const app: Application = async function* (environ, startResponse) {
  const headers: HeaderList = [];
  new Headers(headers).set('Content-Type', 'text/plain');
  startResponse('200 OK', headers);
  for await (const chunk of readChunks(environ['wsgi.input'])) yield chunk;
  yield Buffer.from(`${String(environ['example.user'])}\n`);
};

mountGateway(app, { environ: (request) => ({ 'example.user': request.headers.from }) });
express().use(mountInExpress(app, { environ: (request) => ({ 'example.user': request.ip }) }));
await fastify().register(fastifyGateway, {
  app,
  environ: (request) => ({ 'example.user': request.id }),
});

const environ: Partial<Environ> = { 'example.user': 'Ada' };
setupTestingDefaults(environ);
const body: ResponseBody = await validator(app)(environ, (status) => {
  console.log(status);
  return () => {};
});
for await (const chunk of body) console.log(String(Buffer.from(chunk)).trim());
await body.close?.();

// @ts-expect-error: a body of text is refused by the types already.
const wrong: Application = () => ['text'];
void wrong;
