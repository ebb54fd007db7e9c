import { simpleServer } from '../hosts/hosts/simple-server.ts';
import { describeAttacks } from './describe-attacks.ts';

describeAttacks(simpleServer);
