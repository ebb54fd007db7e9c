import { show } from '../show.js';
import type { StartResponse, Write } from '../types.js';
import type { Exchange } from './exchange.js';
import { checkArguments, violation } from './report.js';
import { checkResponseHead } from './response-head.js';

/**
 * `startResponse` as the application gets it: it checks the call, then passes it on as it came.
 *
 * Source: PEP 3333, "The start_response() Callable".
 */
export function validateStartResponse(
  exchange: Exchange,
  startResponse: StartResponse,
): StartResponse {
  if (typeof startResponse !== 'function') {
    const rule = `startResponse must be a function, not ${show(startResponse)}`;
    throw violation(exchange.caller, rule, SECTION, startResponse);
  }
  return (...args) => {
    checkArguments(exchange.answerer, 'startResponse()', args, 2, 3, SECTION);
    checkCall(exchange, args[2]);
    const head = checkResponseHead(exchange.answerer, ...args);
    const write = startResponse(...args);
    if (typeof write !== 'function') {
      const rule = `startResponse() must return the write callable, not ${show(write)}`;
      throw violation(exchange.caller, rule, SECTION, write);
    }
    exchange.head = head;
    return validateWrite(exchange, write);
  };
}

// A call that failed is a call: PEP 3333 wants excInfo with the next one.
function checkCall(exchange: Exchange, excInfo: unknown): void {
  if (exchange.ended && !exchange.cutShort) {
    const rule = 'startResponse() was called after the response had ended';
    throw violation(exchange.answerer, rule, SECTION);
  }
  if (exchange.startResponseCalled && (excInfo === undefined || excInfo === null)) {
    const rule =
      'startResponse() was called twice; the second call needs excInfo, the caught error';
    throw violation(exchange.answerer, rule, SECTION);
  }
  exchange.startResponseCalled = true;
}

function validateWrite(exchange: Exchange, write: Write): Write {
  return (...args) => {
    const section = 'The write() Callable';
    checkArguments(exchange.answerer, 'write()', args, 1, 1, section);
    exchange.checkWrite(args[0]);
    return write(...args);
  };
}

const SECTION = 'The start_response() Callable';
