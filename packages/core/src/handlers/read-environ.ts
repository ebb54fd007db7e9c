import { readFileSync } from 'node:fs';
import { utf8ToWsgi } from '../util/index.js';

/**
 * The process environment as native strings: a code unit, at most U+00FF, for each byte.
 *
 * A web server puts the bytes of the request into the environment, and they need not be UTF-8. `process.env` has
 * replaced what is not; on Linux the true bytes still stand in `/proc/self/environ`. That is the environment at
 * the start of the process, so a variable that was changed, added or removed since is taken from `process.env`.
 *
 * In a CGI script `HTTP_PROXY` is left out: there it is the request's `Proxy` field (CVE-2016-1000110).
 *
 * Source: wsgiref.handlers.read_environ; RFC 3875 section 7.2.
 */
export function readEnviron(): Record<string, string> {
  const environ: Record<string, string> = {};
  const initial = initialEnviron();
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined) continue;
    const bytes = initial.get(name);
    const unchanged = bytes !== undefined && bytes.toString('utf8') === value;
    environ[utf8ToWsgi(name)] = unchanged ? bytes.toString('latin1') : utf8ToWsgi(value);
  }
  if (inCGI(environ)) delete environ['HTTP_PROXY'];
  return environ;
}

/** Whether an environment is a request's: RFC 3875 requires both variables of the server. */
export function inCGI(environ: Readonly<Record<string, string | undefined>>): boolean {
  return environ['REQUEST_METHOD'] !== undefined || environ['GATEWAY_INTERFACE'] !== undefined;
}

/** What the process was started with, by names as `process.env` has them; empty where the system does not tell. */
function initialEnviron(): Map<string, Buffer> {
  const variables = new Map<string, Buffer>();
  const block = initialBlock();
  for (let start = 0; start < block.length; ) {
    const zero = block.indexOf(0, start);
    const end = zero < 0 ? block.length : zero;
    // A name may be empty, but does not begin with `=` by accident: getenv looks for the first one behind a name.
    const equals = block.indexOf(0x3d, start + 1);
    if (equals > 0 && equals < end) {
      const name = block.toString('utf8', start, equals);
      // Of a name that is there twice, getenv and so `process.env` take the first.
      if (!variables.has(name)) variables.set(name, block.subarray(equals + 1, end));
    }
    start = end + 1;
  }
  return variables;
}

function initialBlock(): Buffer {
  if (process.platform !== 'linux') return Buffer.alloc(0);
  try {
    return readFileSync('/proc/self/environ');
  } catch {
    // No /proc, or not for us: `process.env` is what there is.
    return Buffer.alloc(0);
  }
}
