/**
 * What a user of `@wsgi/fastify` writes, checked by `tsc -p test` and never run: no cast is needed anywhere.
 */
import type { Http2Server } from 'node:http2';
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import type { Application } from '@wsgi/core';
import defaultExport, { fastifyGateway, type GatewayOptions } from '@wsgi/fastify';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyRequest,
  fastify,
  type RouteGenericInterface,
} from 'fastify';
import { pino } from 'pino';
import { Type } from 'typebox';

declare module 'fastify' {
  interface FastifyRequest {
    visitor?: { name: string };
  }
}

declare const app: Application;

const options: GatewayOptions = {
  app,
  prefix: '/gateway',
  cascade: [404],
  maxBodySize: 1_000_000,
  environ: (request) => ({ REMOTE_USER: request.visitor?.name, 'host.request_id': request.id }),
};

export const http1: FastifyInstance = fastify();
http1.register(fastifyGateway, { app });
http1.register(fastifyGateway, options);
http1.register(defaultExport, { app, prefix: '/again' });
await http1.register(fastifyGateway, { app, environ: { 'host.name': 'a' }, logLevel: 'warn' });

// A request in the environ option needs no annotation, and takes one.
http1.register(fastifyGateway, {
  app,
  environ: (request) => {
    const name: string | undefined = request.visitor?.name;
    const params: unknown = request.params;
    return { REMOTE_USER: name, 'host.params': params };
  },
});
const userOf = (request: FastifyRequest) => ({ REMOTE_USER: request.visitor?.name });
http1.register(fastifyGateway, { app, environ: userOf });
http1.register(fastifyGateway, { app, environ: (request: { id: string }) => ({ id: request.id }) });
// What the prefix's parameters are, and which server the request is of, can be said as for any handler.
http1.register(fastifyGateway, {
  app,
  prefix: '/:tenant',
  environ: (request: FastifyRequest<{ Params: { tenant: string } }>) => ({
    'host.tenant': request.params.tenant.toUpperCase(),
  }),
});
// Options that depend on what was registered before.
http1.register(fastifyGateway, () => ({ app, prefix: '/late' }));
http1.register(import('@wsgi/fastify'), { app });

// HTTP/2, cleartext and secure, and https.
const http2 = fastify({ http2: true });
http2.register(fastifyGateway, options);
http2.register(fastifyGateway, { app, environ: (request) => ({ id: request.id }) });
http2.register(fastifyGateway, {
  app,
  environ: (request: FastifyRequest<RouteGenericInterface, Http2Server>) => ({
    'host.stream': request.raw.stream.id,
  }),
});
const http2s = fastify({ http2: true, https: { key: '', cert: '' } });
http2s.register(fastifyGateway, options);
const https = fastify({ https: { key: '', cert: '' } });
https.register(fastifyGateway, { app, environ: (request) => ({ id: request.id }) });

// Loggers: Fastify's, one of pino's, and one with levels of its own.
fastify({ logger: true }).register(fastifyGateway, options);
const pinoed = fastify({ loggerInstance: pino() });
pinoed.register(fastifyGateway, options);
pinoed.register(fastifyGateway, { app, environ: (request) => ({ id: request.id }) });
const loud = fastify({ loggerInstance: pino({ customLevels: { shout: 70 } }) });
loud.register(fastifyGateway, options);
interface Bound extends FastifyBaseLogger {
  bound: true;
}
declare const logger: Bound;
fastify({ loggerInstance: logger, http2: true }).register(fastifyGateway, options);

// Type providers.
const typed = fastify()
  .setValidatorCompiler(TypeBoxValidatorCompiler)
  .withTypeProvider<TypeBoxTypeProvider>();
typed.register(fastifyGateway, options);
typed.register(fastifyGateway, { app, environ: (request) => ({ id: request.id }) });
typed.get('/host', { schema: { querystring: Type.Object({ n: Type.Number() }) } }, (request) => ({
  twice: request.query.n * 2,
}));

// In a plugin of the user's.
export const plugin: FastifyPluginAsync = async (instance) => {
  await instance.register(fastifyGateway, { app, prefix: '/nested' });
};

// @ts-expect-error an application is not optional
http1.register(fastifyGateway, { prefix: '/gateway' });
// @ts-expect-error a function of a number is no application
http1.register(fastifyGateway, { app: (n: number) => n });
// @ts-expect-error a misspelt option
http1.register(fastifyGateway, { app, maxBodysize: 1 });
http1.register(fastifyGateway, {
  app,
  // @ts-expect-error the host's entries come at once: there is nobody to wait for them
  environ: async () => 1,
});
// @ts-expect-error a limit is a number
http1.register(fastifyGateway, { app, maxBodySize: '1mb' });
// @ts-expect-error the request has no such member
http1.register(fastifyGateway, { app, environ: (request) => ({ id: request.nothing }) });
