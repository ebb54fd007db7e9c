import { describeHost } from './describe-host.ts';
import { koa } from './hosts/koa.ts';

describeHost(koa);
