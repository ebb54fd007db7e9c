/** The same application in each server: what a mount takes, and a `GET /health` of the server's own beside it. */
import type { Application } from '@wsgi/core/types';
import { mountGateway as mountInExpress } from '@wsgi/express';
import { fastifyGateway } from '@wsgi/fastify';
import { mountGateway as mountInHttp } from '@wsgi/http';
import { makeServer } from '@wsgi/simple-server';
import express from 'express';
import { fastify } from 'fastify';
import { type Running, runningOf, serve } from './node-server.js';

/** A kind of server that can take the application. */
export interface Host {
  /** What it is called in messages. */
  name: string;
  /** Where the application is: `''` or `/drop`. */
  mount: string;
  /** The environment variable that sets its port, and the port without it. */
  variable: string;
  port: number;
  /** Rejects with the system's error when the port cannot be had. */
  start(app: Application, host: string, port: number): Promise<Running>;
}

export const hosts: readonly Host[] = [
  { name: 'node:http', mount: '', variable: 'PORT_HTTP', port: 8001, start: inHttp },
  { name: 'Express', mount: '/drop', variable: 'PORT_EXPRESS', port: 8002, start: inExpress },
  { name: 'Fastify', mount: '/drop', variable: 'PORT_FASTIFY', port: 8003, start: inFastify },
  { name: 'standalone', mount: '', variable: 'PORT_STANDALONE', port: 8004, start: alone },
];

function inHttp(app: Application, host: string, port: number): Promise<Running> {
  const gateway = mountInHttp(app);
  return serve(
    (request, response) => {
      if (request.url !== '/health') return gateway(request, response);
      response.setHeader('Content-Type', 'text/plain').end('ok\n');
    },
    host,
    port,
  );
}

function inExpress(app: Application, host: string, port: number): Promise<Running> {
  const site = express().disable('x-powered-by');
  site.get('/health', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  site.use('/drop', mountInExpress(app));
  return serve(site, host, port);
}

async function inFastify(app: Application, host: string, port: number): Promise<Running> {
  const site = fastify({ logger: { level: 'error' } });
  site.get('/health', async (_request, reply) => {
    reply.type('text/plain');
    return 'ok\n';
  });
  await site.register(fastifyGateway, { app, prefix: '/drop' });
  await site.listen({ host, port });
  return runningOf(site.server);
}

/** This server has no routes: what is to stand beside the application is an application around it. */
async function alone(app: Application, host: string, port: number): Promise<Running> {
  const site: Application = (environ, startResponse) => {
    if (environ.PATH_INFO !== '/health') return app(environ, startResponse);
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [Buffer.from('ok\n')];
  };
  const server = await makeServer(host, port, site, { requestTimeout: 0, log: false });
  return { port: server.port ?? port, stop: (grace) => server.shutdown(grace) };
}
