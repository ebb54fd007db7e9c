import { randomUUID } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { mountGateway } from '@wsgi/express';
import { fastifyGateway } from '@wsgi/fastify';
import { AppModule } from './app.module.js';
import { notesApplication } from './application.js';
import { NotesService } from './notes.service.js';

/** Nest on Express: the mount is a middleware, before Nest's body parsers and routes. */
export async function onExpress(): Promise<INestApplication> {
  const nest = await NestFactory.create<NestExpressApplication>(AppModule, { logger: ['error'] });
  const application = notesApplication(nest.get(NotesService));
  nest.use(
    '/notes',
    mountGateway(application, {
      cascade: [404],
      environ: () => ({ 'nest.request_id': randomUUID() }),
    }),
  );
  return nest;
}

/** Nest on Fastify: the mount is a plugin, in a scope of its own that Nest's parsers do not reach. */
export async function onFastify(): Promise<INestApplication> {
  const adapter = new FastifyAdapter({ genReqId: () => randomUUID() });
  const nest = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, {
    logger: ['error'],
  });
  const application = notesApplication(nest.get(NotesService));
  await nest.register(fastifyGateway, {
    app: application,
    prefix: '/notes',
    cascade: [404],
    environ: (request) => ({ 'nest.request_id': request.id }),
  });
  return nest;
}
