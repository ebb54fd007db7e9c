import { describeHost } from './describe-host.ts';
import { simpleServer } from './hosts/simple-server.ts';

describeHost(simpleServer);
