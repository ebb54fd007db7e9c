import type { Application } from '@wsgi/core';
import { change, whenReady } from './body.js';

/** How long a response took. */
export interface Timing {
  method: string;
  path: string;
  status: string;
  /** The bytes of the body that were handed on. */
  bytes: number;
  /** Until the response was over and its body closed. */
  milliseconds: number;
}

/** Measures each response, to its very end, and tells `report`. An application that throws is none's response. */
export function timing(app: Application, report: (timing: Timing) => void): Application {
  return (environ, startResponse) => {
    const begin = performance.now();
    const { REQUEST_METHOD: method, SCRIPT_NAME, PATH_INFO } = environ;
    const measured: Timing = {
      method,
      path: SCRIPT_NAME + PATH_INFO,
      status: '',
      bytes: 0,
      milliseconds: 0,
    };
    const count = (chunk: Uint8Array) => {
      measured.bytes += chunk.length;
      return chunk;
    };
    const result = app(environ, (status, headers, excInfo) => {
      measured.status = status;
      const write = startResponse(status, headers, excInfo);
      return (data) => write(count(data));
    });
    const close = () => report({ ...measured, milliseconds: performance.now() - begin });
    return whenReady(result, (body) => change(body, { chunk: count, close }));
  };
}
