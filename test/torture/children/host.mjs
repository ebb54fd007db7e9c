/** One host in a process of its own: `node host.mjs NAME`. Tells its parent where it is, and what it holds. */
import { existsSync, readdirSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, createSecureServer } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import application from './app.mjs';

const tls = JSON.parse(process.env.TORTURE_TLS);

// Each imports its own only: a process may have too few descriptors to load everything at once.
const hosts = {
  'simple-server': () => simple(undefined),
  'simple-server over TLS': () => simple(tls),
  'node:http': async () => listen(createHttp(await listener())),
  'node:https': async () => listen(countRefused(createHttps(tls, await listener()))),
  'node:http2 in cleartext': async () => listen(createHttp2(await listener())),
  'node:http2 over TLS': async () => listen(createSecureServer(tls, await listener())),
  'Express 4': () => express('express4'),
  'Express 5': () => express('express'),
  'Fastify 5': async () => {
    const { fastify } = await import('fastify');
    const { fastifyGateway } = await import('@wsgi/fastify');
    const root = fastify({ logger: { level: 'error', stream: process.stderr } });
    await root.register(fastifyGateway, { app: application });
    await root.listen({ host: '127.0.0.1', port: 0 });
    return root.server.address().port;
  },
};

/** How many requests Node has refused for a fault of its own. */
let refused = 0;

/**
 * node:https takes the pause of its own parser for a client's error when a request comes before it has learnt that the
 * answer before has left, and ends the connection: a bare handler on a busy machine shows it, with no pipeline at all.
 */
function countRefused(server) {
  return server.on('clientError', (error, socket) => {
    if (error.code === 'HPE_PAUSED') refused += 1;
    socket.destroy();
  });
}

async function listener() {
  const { mountGateway } = await import('@wsgi/http');
  return mountGateway(application);
}

async function express(version) {
  const { default: create } = await import(version);
  const { mountGateway } = await import('@wsgi/express');
  return listen(createHttp(create().use(mountGateway(application))));
}

async function simple(options) {
  const { makeServer } = await import('@wsgi/simple-server');
  const server = await makeServer('127.0.0.1', 0, application, { log: false, tls: options });
  return server.port;
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

/** What is held once the collector has been: it runs with --expose-gc when it is asked. */
async function sample() {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    rss,
    held: heapUsed + arrayBuffers,
    handles: [...resources(), ...descriptors()].sort(),
    mostRss: process.resourceUsage().maxRSS * 1024,
    refused,
  };
}

/** What keeps the process alive, but for what is over with this turn of the event loop. */
function resources() {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
}

/** The files and sockets that are open, where the system tells. */
function descriptors() {
  const folder = '/proc/self/fd';
  return existsSync(folder) ? readdirSync(folder).map(() => 'descriptor') : [];
}

const name = process.argv[2];
const port = await hosts[name]();
process.on('message', async () => process.send(await sample()));
process.on('disconnect', () => process.exit());
process.send({
  port,
  secure: /TLS|https/.test(name),
  protocol: name.includes('http2') ? 'http2' : 'http1',
  target: '/',
});
