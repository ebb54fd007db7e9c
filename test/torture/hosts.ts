/** Every host that is tortured. */
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
  fastifyFiveHttp2,
  koa,
  nodeHttp2,
  nodeHttp2Secure,
];
