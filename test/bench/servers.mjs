// Every server of the benchmark, by name: what it needs, and how its process is started.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(`servers/${name}`, import.meta.url));
const node = (name, kind = '') => ({ command: process.execPath, args: [here(name), kind] });
const has = (command, ...args) => spawnSync(command, args).status === 0;
/** The items that servers outside JavaScript do: enough to see where they stand. */
const small = ['text'];

/** A Python that has the module: the first on the path, or the system's, which Debian's packages are for. */
const pythonWith = (module) =>
  ['python3', '/usr/bin/python3'].find((python) => has(python, '-c', `import ${module}`));
const python = (kind) => {
  const command = pythonWith(kind === 'wsgiref' ? 'wsgiref.simple_server' : kind);
  return {
    command: command ?? 'python3',
    args: [here('python.py'), kind],
    only: small,
    found: () => command !== undefined,
  };
};

export const servers = [
  { name: 'node:http', ...node('node.mjs') },
  { name: '@wsgi/http', ...node('gateway/http.mjs') },
  { name: '@wsgi/simple-server', ...node('gateway/simple-server.mjs') },
  { name: 'Express 5', ...node('express.mjs', 'send') },
  { name: 'Express 5, writeHead', ...node('express.mjs', 'writeHead'), only: ['text', 'json'] },
  { name: '@wsgi/express', ...node('gateway/express.mjs') },
  { name: 'Fastify 5', ...node('fastify.mjs') },
  { name: '@wsgi/fastify', ...node('gateway/fastify.mjs') },
  { name: 'Koa', ...node('koa.mjs') },
  { name: '@hono/node-server', ...node('fetch.mjs', 'hono') },
  { name: 'srvx', ...node('fetch.mjs', 'srvx') },
  { name: '@whatwg-node/server', ...node('fetch.mjs', 'whatwg') },
  { name: 'hattip', ...node('fetch.mjs', 'hattip') },
  { name: 'canned reply (node:net)', ...node('canned.mjs'), only: small },
  {
    name: 'wsgiref (Python)',
    ...python('wsgiref'),
    only: small,
    found: () => has('python3', '-V'),
  },
  { name: 'waitress (Python)', ...python('waitress') },
  { name: 'gunicorn (Python)', ...python('gunicorn') },
  { name: 'nginx', ...node('nginx.mjs'), only: small, found: () => has('nginx', '-v') },
];
