import { describeHost } from './describe-host.ts';
import { expressFive } from './hosts/express.ts';

describeHost(expressFive);
