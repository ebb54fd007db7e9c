/** Every host that is tortured. */
import { expressFive, expressFour } from '../hosts/hosts/express.ts';
import { fastifyFive } from '../hosts/hosts/fastify.ts';
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
