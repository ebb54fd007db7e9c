import { createServer } from 'node:http';
import { app } from '../gateway-app.mjs';

const said = (server) => console.log(server.address().port);

const hosts = {
  async http() {
    const { mountGateway } = await import('@wsgi/http');
    const server = createServer(mountGateway(app)).listen(0, '127.0.0.1', () => said(server));
  },
  async express() {
    const { default: express } = await import('express');
    const { mountGateway } = await import('@wsgi/express');
    const host = express();
    host.use(mountGateway(app));
    const server = host.listen(0, '127.0.0.1', () => said(server));
  },
  async fastify() {
    const { default: Fastify } = await import('fastify');
    const { fastifyGateway } = await import('@wsgi/fastify');
    const host = Fastify();
    await host.register(fastifyGateway, { app });
    await host.listen({ port: 0, host: '127.0.0.1' });
    said(host.server);
  },
  async 'simple-server'() {
    const { makeServer } = await import('@wsgi/simple-server');
    said(await makeServer('127.0.0.1', 0, app, { log: false }));
  },
};

await hosts[process.argv[2]]();
