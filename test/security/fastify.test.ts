import { fastifyFive } from '../hosts/hosts/fastify.ts';
import { describeAttacks } from './describe-attacks.ts';

describeAttacks(fastifyFive);
