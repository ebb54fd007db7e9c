import type { ExpressRequest, ExpressResponse } from './express.js';

/**
 * Gives what Express has made of a request and its response a hidden class that those of all requests share.
 *
 * Express replaces the prototypes of both and then adds properties. Before Node 24, V8 gives an object so treated a
 * hidden class of its own, and another with each property, so that every look at it misses V8's caches: ours, and those
 * in Node's code that sends the response. But an object that loses a property becomes a dictionary, and dictionaries of
 * one prototype have one class: on Node 20 and 22 that makes small answers half as fast again.
 */
export function shareShape(request: ExpressRequest, response: ExpressResponse): void {
  const { res } = request;
  // Both refer to each other in Express 4 and 5; elsewhere nothing is to be gained.
  if (V8_SHARES || res !== response) return;
  // Lost and found: it is the loss that counts, and Express wants the property back.
  if (Reflect.deleteProperty(request, 'res')) request.res = res;
  if (Reflect.deleteProperty(response, 'req')) Reflect.set(response, 'req', request);
}

/** There the classes are shared without this, and dictionaries would be slower. */
const V8_SHARES = Number.parseInt(process.versions.node, 10) >= 24;
