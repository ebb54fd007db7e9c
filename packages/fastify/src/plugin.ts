import { toApplication } from '@wsgi/core/handlers';
import {
  type GatewayOptions as CoreOptions,
  checkGatewayOptions,
  extraEntries,
} from '@wsgi/core/node';
import type { ApplicationLike } from '@wsgi/core/types';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { mountedPath } from './environ.js';
import { ReplyHandler } from './handler.js';
import { bodyStream, passBodyOn } from './input.js';

export interface GatewayOptions extends CoreOptions<FastifyRequest> {
  /** The gateway application. */
  app: ApplicationLike;
  /** The path at which the application is mounted; Fastify's own option. Default: every path of the scope. */
  prefix?: string | undefined;
}

const plugin: FastifyPluginAsync<GatewayOptions> = async (instance, options) => {
  const application = toApplication(options.app);
  checkGatewayOptions(options);
  const { environ, errors, maxBodySize } = options;
  const { prefix } = instance;

  passBodyOn(instance);
  for (const url of ['/', '/*']) {
    instance.route({
      url,
      method: instance.supportedMethods,
      // HEAD is the application's own: Fastify's would run GET and drop the body.
      exposeHeadRoute: false,
      handler(request, reply) {
        new ReplyHandler(request, reply, {
          path: mountedPath(request, prefix),
          extraEnviron: () => extraEntries(environ, request),
          errors,
          body: bodyStream(request),
          maxBodySize,
        }).run(application);
      },
    });
  }
};

/**
 * The plugin: mounts a gateway application under a prefix, in a scope of its own.
 *
 * Responses go through `reply`, so the host's hooks, error handler and request log see them as they see any
 * route's. An application that throws before its first chunk is answered by the host's error handler.
 *
 * Registering rejects with a TypeError when `app` is no application or an option has a wrong value.
 *
 * @example
 * ```ts
 * await fastify.register(fastifyGateway, { app: myApp, prefix: '/gateway' });
 * ```
 */
export const fastifyGateway: FastifyPluginAsync<GatewayOptions> = fp(plugin, {
  name: '@wsgi/fastify',
  fastify: '5.x',
  // A scope of its own: the prefix works, the content type parsers stay inside, and it can be registered again.
  encapsulate: true,
});
