/** The validator: who broke which rule of PEP 3333. wsgiref.validate. */
import { toApplication } from '../handlers/application.js';
import { isPromise } from '../handlers/promise.js';
import type {
  Application,
  ApplicationLike,
  Environ,
  ResponseBody,
  StartResponse,
} from '../types.js';
import { validateBody } from './body.js';
import { checkEnviron } from './environ.js';
import { ValidatedErrors } from './errors.js';
import { Exchange } from './exchange.js';
import { ValidatedInput } from './input.js';
import { checkArguments } from './report.js';
import { validateStartResponse } from './start-response.js';

export { WSGIWarning } from './report.js';

/**
 * Wraps an application and checks that it and its server keep to PEP 3333. It changes nothing of what passes, and
 * keeps a synchronous application synchronous.
 *
 * A broken rule is an `AssertionError`, thrown to whoever makes the call in which it shows. Its message names the
 * side at fault (`server`, `application` or `middleware`), the rule, the value, and the section of PEP 3333. What is
 * only advised against is a {@link WSGIWarning}, sent through `process.emitWarning`; so is a body that was never
 * closed, since there is nobody left to throw to when it is found.
 *
 * Put one on either side of a middleware, and it is checked as both the server and the application that it is.
 *
 * @param app - the application: whatever a host takes.
 * @throws TypeError when `app` is none.
 *
 * Source: wsgiref.validate.validator.
 *
 * @example
 * ```ts
 * createServer(mountGateway(validator(middleware(validator(app)))));
 * ```
 */
export function validator(app: ApplicationLike): Application {
  const application = toApplication(app);
  return (...args) => validate(application, args);
}

function validate(application: Application, args: [Environ, StartResponse]) {
  const last = ValidatedErrors.exchangeOf(args[0]?.['wsgi.errors']);
  const exchange = new Exchange(args[0]?.REQUEST_METHOD, args[0]?.PATH_INFO, last);
  checkArguments(exchange.caller, 'an application', args, 2, 2, 'The Application/Framework Side');
  const [environ] = args;
  checkEnviron(environ, exchange.caller);
  const startResponse = validateStartResponse(exchange, args[1]);
  environ['wsgi.errors'] = new ValidatedErrors(exchange, environ['wsgi.errors']);
  const { 'wsgi.input': input, CONTENT_LENGTH: length } = environ;
  const validated = new ValidatedInput(exchange, input, length);
  environ['wsgi.input'] = validated;
  exchange.restore = () => {
    if (environ['wsgi.input'] === validated) Reflect.set(environ, 'wsgi.input', input);
  };
  exchange.working = true;
  try {
    const result = application(environ, startResponse);
    if (isPromise(result)) return validateLater(exchange, result);
    exchange.working = false;
    return validateBody(exchange, result);
  } catch (error) {
    exchange.fail();
    throw error;
  }
}

async function validateLater(exchange: Exchange, result: PromiseLike<ResponseBody>) {
  try {
    const body = await result;
    exchange.working = false;
    return validateBody(exchange, body);
  } catch (error) {
    exchange.fail();
    throw error;
  }
}
