import { describeHost } from './describe-host.ts';
import { nodeHttp2Secure } from './hosts/node.ts';

describeHost(nodeHttp2Secure);
