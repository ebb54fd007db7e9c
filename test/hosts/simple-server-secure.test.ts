import { describeHost } from './describe-host.ts';
import { simpleServerSecure } from './hosts/simple-server.ts';

describeHost(simpleServerSecure);
