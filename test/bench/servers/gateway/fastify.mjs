import { fastifyGateway } from '@wsgi/fastify';
import Fastify from 'fastify';
import { app } from '../../gateway-app.mjs';

const host = Fastify();
await host.register(fastifyGateway, { app });
await host.listen({ port: 0, host: '127.0.0.1' });
console.log(host.server.address().port);
