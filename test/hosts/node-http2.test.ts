import { describeHost } from './describe-host.ts';
import { nodeHttp2 } from './hosts/node.ts';

describeHost(nodeHttp2);
