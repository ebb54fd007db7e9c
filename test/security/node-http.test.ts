import { nodeHttp } from '../hosts/hosts/node.ts';
import { describeAttacks } from './describe-attacks.ts';

describeAttacks(nodeHttp);
