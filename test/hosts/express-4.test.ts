import { describeHost } from './describe-host.ts';
import { expressFour } from './hosts/express.ts';

describeHost(expressFour);
