import { toApplication } from '@wsgi/core/handlers';
import { cascadeStatuses, checkGatewayOptions, extraEntries } from '@wsgi/core/node';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';
import { countSegments, mountedTarget } from './environ.js';
import { ReplyHandler } from './handler.js';
import { bodyStream, passBodyOn } from './input.js';
import type { GatewayOptions } from './options.js';

const plugin: FastifyPluginAsync<GatewayOptions> = async (instance, options) => {
  const application = toApplication(options.app);
  checkGatewayOptions(options);
  const { environ, errors, maxBodySize } = options;
  const cascade = cascadeStatuses(options.cascade);
  const depth = countSegments(instance.prefix);

  passBodyOn(instance);
  // `/*` does not match the mount itself. At the root it matches all, and a host may have a `/` of its own.
  for (const url of depth === 0 ? ['/*'] : ['/', '/*']) {
    instance.route({
      url,
      method: freeMethods(instance, url),
      // HEAD is the application's own: Fastify's would run GET and drop the body.
      exposeHeadRoute: false,
      handler(request, reply) {
        new ReplyHandler(request, reply, {
          target: mountedTarget(request, depth),
          extraEnviron: environ === undefined ? undefined : () => extraEntries(environ, request),
          errors,
          body: bodyStream(request),
          maxBodySize,
          cascade,
        }).run(application);
      },
    });
  }
};

/**
 * The methods that the host has no route for at this very path: a route of its own comes first, as anywhere in
 * Fastify. `@fastify/cors`, for one, adds `OPTIONS *`. Where all are taken, Fastify says so.
 */
function freeMethods(instance: FastifyInstance, url: string): string[] {
  const path = url === '/' ? instance.prefix : `${instance.prefix.replace(/\/$/, '')}${url}`;
  const all = instance.supportedMethods;
  const free = all.filter((method) => !instance.hasRoute({ url: path, method }));
  return free.length > 0 ? free : all;
}

/**
 * The plugin: mounts a gateway application under a prefix, in a scope of its own.
 *
 * Responses go through `reply`, so the host's hooks, error handler and request log see them as they see any
 * route's. An application that throws before its first chunk is answered by the host's error handler. With
 * `cascade`, a request that the application does not know goes to the host's not-found handler.
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
