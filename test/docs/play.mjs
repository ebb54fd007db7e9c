/**
 * Runs the module of a code block, and then does to it what a reader would:
 * a server that it started is asked for a page, an application that it exports is played under the validator.
 * Prints what came of it, a line each; fails when anything did not work.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { Server } from 'node:net';
import { pathToFileURL } from 'node:url';
import { validator } from '@wsgi/core/validate';
import { mountGateway } from '@wsgi/http';

const [module] = process.argv.slice(2);

/** Where the block may have mounted something: the paths that it names, alone and one inside another. */
const names = [...readFileSync(module, 'utf8').matchAll(/['"](\/[\w/:-]+)['"]/g)].map(([, path]) =>
  path.replaceAll(/:\w+/g, 'name'),
);
const pages = new Set([
  '/',
  ...names.flatMap((outer) => [outer, ...names.map((inner) => outer + inner)]),
]);

const servers = new Set();
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  servers.add(this);
  this.once('close', () => servers.delete(this));
  return listen.apply(this, args);
};

const exported = await import(pathToFileURL(module).href);

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
  const status = await statusOf(server, 'GET', '/');
  console.log(`${name} answered ${status}`);
  assert.ok(status < 500, `${name} answered ${status}`);
}

async function ask(server) {
  for (const method of ['GET', 'POST']) {
    const statuses = [];
    for (const page of pages) statuses.push(await statusOf(server, method, page));
    console.log(`${method} of ${[...pages].join(' ')}: ${statuses.join(' ')}`);
    assert.ok(!statuses.includes(500), 'the server failed');
    if (statuses.some((status) => status !== 404)) return;
  }
  assert.fail('nothing was found on the server');
}

/** The status of an answer; the body is read to its end, unless it has none. */
function statusOf(server, method, path) {
  const { port } = server.address();
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
      response.on('error', reject);
      if (response.headers['content-type'] === 'text/event-stream') {
        resolve(response.statusCode);
        sent.destroy();
      }
    });
    sent.on('error', reject);
    sent.end();
  });
}

function hello(_environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from('Hello')];
}
