import type {
  Application,
  ApplicationClass,
  ApplicationLike,
  ApplicationObject,
} from '../types.js';

/**
 * Makes an {@link Application} of whatever a host takes: a function as it is, an object with a method
 * `call(environ, startResponse)`, or a class whose instances are iterable (PEP 3333's `AppClass`).
 *
 * Hosts call it once, at mount, so that a mistake shows then and not at the first request.
 *
 * @throws TypeError for anything else.
 *
 * @example
 * ```ts
 * const app = toApplication(
 *   class {
 *     constructor(private environ: Environ, private startResponse: StartResponse) {}
 *     *[Symbol.iterator]() {
 *       this.startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *       yield Buffer.from('Hello');
 *     }
 *   },
 * );
 * ```
 */
export function toApplication(app: ApplicationLike): Application {
  if (isApplicationClass(app)) return (environ, startResponse) => new app(environ, startResponse);
  if (typeof app === 'function') return app;
  if (isApplicationObject(app)) return (environ, startResponse) => app.call(environ, startResponse);
  throw new TypeError(
    `a gateway application is a function (environ, startResponse) => body, an object with a method call(environ, startResponse), or a class whose instances are iterable; not ${describe(app)}`,
  );
}

function isApplicationObject(app: unknown): app is ApplicationObject {
  return typeof app === 'object' && app !== null && 'call' in app && typeof app.call === 'function';
}

/**
 * Whether a function is to be called with `new`. A class is, and so is what a compiler made of one: a constructor
 * whose prototype is iterable. A generator function's prototype is iterable too, but it is no constructor.
 */
function isApplicationClass(app: unknown): app is ApplicationClass {
  if (typeof app !== 'function') return false;
  const prototype: unknown = app.prototype;
  const iterable =
    typeof prototype === 'object' &&
    prototype !== null &&
    (Symbol.iterator in prototype || Symbol.asyncIterator in prototype);
  if (/^class\b/.test(Function.prototype.toString.call(app))) {
    if (iterable) return true;
    throw new TypeError(
      `the class ${app.name || '(anonymous)'} is no gateway application: its instances are not iterable; give it a method *[Symbol.iterator]() or async *[Symbol.asyncIterator]() that yields the body's chunks`,
    );
  }
  return iterable && Object.hasOwn(Object(prototype), 'constructor');
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `the string ${JSON.stringify(value.slice(0, 60))}`;
  if (typeof value !== 'object') return `${typeof value} ${String(value)}`;
  return Array.isArray(value) ? 'an array' : 'an object without a method call';
}
