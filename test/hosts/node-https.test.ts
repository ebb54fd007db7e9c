import { describeHost } from './describe-host.ts';
import { nodeHttps } from './hosts/node.ts';

describeHost(nodeHttps);
