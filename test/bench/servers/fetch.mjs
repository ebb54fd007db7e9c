import { createServer } from 'node:http';
import { fetch } from '../fetch-app.mjs';

const listen = (listener) => {
  const server = createServer(listener).listen(0, '127.0.0.1', () =>
    console.log(server.address().port),
  );
};

const peers = {
  async hono() {
    const { Hono } = await import('hono');
    const { serve } = await import('@hono/node-server');
    const app = new Hono();
    app.all('*', (context) => fetch(context.req.raw));
    serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(port));
  },
  async srvx() {
    const { serve } = await import('srvx');
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1', silent: true });
    await server.ready();
    console.log(new URL(server.url).port);
  },
  async whatwg() {
    const { createServerAdapter } = await import('@whatwg-node/server');
    listen(createServerAdapter(fetch));
  },
  async hattip() {
    const { createMiddleware } = await import('@hattip/adapter-node');
    listen(createMiddleware(({ request }) => fetch(request)));
  },
};

await peers[process.argv[2]]();
