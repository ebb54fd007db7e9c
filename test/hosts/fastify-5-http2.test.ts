import { describeHost } from './describe-host.ts';
import { fastifyFiveHttp2 } from './hosts/fastify.ts';

describeHost(fastifyFiveHttp2);
