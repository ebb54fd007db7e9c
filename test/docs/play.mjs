/**
 * Runs the module of a code block, and then does to it what a reader would:
 * a server that it started is asked for a page, an application that it exports is played under the validator.
 * Prints what came of it, a line each; fails when anything did not work.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { Server } from 'node:net';
import { pathToFileURL } from 'node:url';
import { validator } from '@wsgi/core/validate';
import { mountGateway } from '@wsgi/http';

/** Where documents mount their applications. */
const pages = ['/', '/gateway/', '/health'];

const servers = new Set();
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  servers.add(this);
  return listen.apply(this, args);
};

const exported = await import(pathToFileURL(process.argv[2]).href);

for (const server of servers) {
  if (!server.listening && server.address() === null) await once(server, 'listening');
  await ask(server);
}
for (const [name, value] of Object.entries(exported)) {
  if (name === 'default' || typeof value !== 'function') continue;
  // By the number of their parameters: environ and startResponse make an application, one application a middleware.
  if (value.length === 2) await play(name, value);
  else if (value.length === 1) await play(name, value(hello));
}
process.exit();

async function play(name, application) {
  const server = createServer(mountGateway(validator(application)));
  listen.call(server, 0, '127.0.0.1');
  await once(server, 'listening');
  const { status } = await request(server, '/');
  console.log(`${name} answered ${status}`);
  assert.ok(status < 500, `${name} answered ${status}`);
}

async function ask(server) {
  const statuses = [];
  for (const page of pages) statuses.push((await request(server, page)).status);
  console.log(`the server answered ${statuses.join(', ')}`);
  assert.ok(statuses.includes(200) || statuses.includes(204), 'no page of the server was found');
  assert.ok(
    statuses.every((status) => status < 500),
    'the server failed',
  );
}

function request(server, path) {
  const { port } = server.address();
  return new Promise((resolve, reject) => {
    const sent = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode }));
      response.on('error', reject);
    });
    sent.on('error', reject);
  });
}

function hello(_environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from('Hello')];
}
