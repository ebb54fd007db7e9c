import type { Behaviour } from '../stage.ts';
import { appForms } from './app-forms.ts';
import { bodiless } from './bodiless.ts';
import { closing } from './closing.ts';
import { connection } from './connection.ts';
import { disconnect } from './disconnect.ts';
import { environ } from './environ.ts';
import { errors } from './errors.ts';
import { fairness } from './fairness.ts';
import { input } from './input.ts';
import { length } from './length.ts';
import { limits } from './limits.ts';
import { path } from './path.ts';
import { requestHeaders } from './request-headers.ts';
import { startResponse } from './start-response.ts';
import { volume } from './volume.ts';

/** The one list: every behaviour, by subject. Every host runs all of it. */
export const behaviours: ReadonlyArray<[subject: string, list: Behaviour[]]> = [
  ['the path', path],
  ['environ', environ],
  ['request headers', requestHeaders],
  ['wsgi.input', input],
  ['maxBodySize', limits],
  ['startResponse', startResponse],
  ['forms of application and body', appForms],
  ['length', length],
  ['HEAD, 204, 205 and 304', bodiless],
  ['close', closing],
  ['errors', errors],
  ['a client that goes away', disconnect],
  ['connections', connection],
  ['time for others', fairness],
  ['volume', volume],
];
