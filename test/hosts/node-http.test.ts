import { describeHost } from './describe-host.ts';
import { nodeHttp } from './hosts/node.ts';

describeHost(nodeHttp);
