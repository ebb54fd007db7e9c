import { describeHost } from './describe-host.ts';
import { cgi } from './hosts/cgi.ts';

describeHost(cgi);
