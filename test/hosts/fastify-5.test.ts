import { describeHost } from './describe-host.ts';
import { fastifyFive } from './hosts/fastify.ts';

describeHost(fastifyFive);
