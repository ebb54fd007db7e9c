import { connectHttp1 } from './http1.ts';
import { connectHttp2 } from './http2.ts';
import type { Connection, Endpoint } from './types.ts';

export type * from './types.ts';
export { wireTarget } from './types.ts';

export const connect = (endpoint: Endpoint): Promise<Connection> =>
  endpoint.protocol === 'http2' ? connectHttp2(endpoint) : connectHttp1(endpoint);
