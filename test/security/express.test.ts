import { expressFive, expressFour } from '../hosts/hosts/express.ts';
import { describeAttacks } from './describe-attacks.ts';

describeAttacks(expressFour);
describeAttacks(expressFive);
