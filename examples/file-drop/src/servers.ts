/** The same application in each server. The rest of this file is what those servers need anyway. */
import { createServer, type Server } from 'node:http';
import type { Application } from '@wsgi/core/types';
import { mountGateway as mountInExpress } from '@wsgi/express';
import { fastifyGateway } from '@wsgi/fastify';
import { mountGateway as mountInHttp } from '@wsgi/http';
import express from 'express';
import { fastify } from 'fastify';

/** A server with the application mounted in it, beside a `GET /health` of the server's own. */
export interface Host {
  /** What it is called in messages. */
  name: string;
  /** Where the application is: `''` or `/drop`. */
  mount: string;
  /** The environment variable that sets its port, and the port without it. */
  variable: string;
  port: number;
  /** Makes the server, ready to listen. */
  make(app: Application): Promise<Server>;
}

export const hosts: readonly Host[] = [
  {
    name: 'node:http',
    mount: '',
    variable: 'PORT_HTTP',
    port: 8001,
    make: inHttp,
  },
  {
    name: 'Express',
    mount: '/drop',
    variable: 'PORT_EXPRESS',
    port: 8002,
    make: inExpress,
  },
  {
    name: 'Fastify',
    mount: '/drop',
    variable: 'PORT_FASTIFY',
    port: 8003,
    make: inFastify,
  },
];

async function inHttp(app: Application): Promise<Server> {
  const gateway = mountInHttp(app);
  return createServer((request, response) => {
    if (request.url !== '/health') return gateway(request, response);
    response.setHeader('Content-Type', 'text/plain').end('ok\n');
  });
}

async function inExpress(app: Application): Promise<Server> {
  const site = express().disable('x-powered-by');
  site.get('/health', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  site.use('/drop', mountInExpress(app));
  return createServer(site);
}

async function inFastify(app: Application): Promise<Server> {
  const site = fastify({ logger: { level: 'error' } });
  site.get('/health', async (_request, reply) => {
    reply.type('text/plain');
    return 'ok\n';
  });
  await site.register(fastifyGateway, { app, prefix: '/drop' });
  await site.ready();
  return site.server;
}
