/** A project in plain JavaScript: mounts an application in each server, and prints what they answer. */
import { createServer } from 'node:http';
import { mountGateway as mountInExpress } from '@wsgi/express';
import { fastifyGateway } from '@wsgi/fastify';
import { mountGateway } from '@wsgi/http';
import express from 'express';
import fastify from 'fastify';

function app(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(`${environ.SCRIPT_NAME} ${environ.PATH_INFO}`)];
}

const plain = createServer(mountGateway(app, { scriptName: '/gateway' }));
const withExpress = createServer(express().use('/gateway', mountInExpress(app)));
const withFastify = fastify();
withFastify.register(fastifyGateway, { app, prefix: '/gateway' });
await withFastify.ready();

for (const server of [plain, withExpress, withFastify.server]) {
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const response = await fetch(`http://127.0.0.1:${server.address().port}/gateway/hello`);
  console.log(response.status, await response.text());
}
process.exit();
