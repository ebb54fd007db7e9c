/** The hosts that are tortured. */
import { expressFive, expressFour } from '../hosts/hosts/express.ts';
import { fastifyFive, fastifyFiveHttp2 } from '../hosts/hosts/fastify.ts';
import { koa } from '../hosts/hosts/koa.ts';
import { nodeHttp, nodeHttp2, nodeHttp2Secure, nodeHttps } from '../hosts/hosts/node.ts';
import { simpleServer, simpleServerSecure } from '../hosts/hosts/simple-server.ts';
import type { Host } from '../hosts/stage.ts';

export const hosts: readonly Host[] = [
  simpleServer,
  simpleServerSecure,
  nodeHttp,
  nodeHttps,
  expressFour,
  expressFive,
  fastifyFive,
  nodeHttp2,
  nodeHttp2Secure,
];

/** With those that differ in who answers errors alone: they need no faults of their own. */
export const playedHosts: readonly Host[] = [...hosts, fastifyFiveHttp2, koa];

/**
 * Those whose own error handler destroys the connection at an error in a response that was begun, and so may cut off the
 * answers before it in a pipeline (RFC 9112 section 9.6).
 */
export const cutsAhead: ReadonlySet<Host> = new Set([expressFour, expressFive]);
