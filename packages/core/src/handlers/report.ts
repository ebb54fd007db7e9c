import { isError } from '../errors.js';

/**
 * An error as a log shows it: its stack, at most `frames` frames of it, and what caused it.
 *
 * It never throws, whatever was thrown at it.
 */
export function describeError(error: unknown, frames?: number): string {
  try {
    const parts: string[] = [];
    for (let link = error, depth = 0; depth < 8; depth += 1) {
      parts.push(stackOf(link, frames));
      if (!isError(link) || link.cause === undefined) break;
      link = link.cause;
    }
    return parts.join('\ncaused by: ');
  } catch {
    return 'an error that cannot be described';
  }
}

/** What the error handling of Node's frameworks looks at. */
const LOOKED_AT = [
  'name',
  'message',
  'stack',
  'status',
  'statusCode',
  'headers',
  'code',
  'cause',
] as const;

/**
 * What an application threw, made safe for a host's own error handling.
 *
 * An error stays what it is, unless it throws when its properties are read; anything else becomes the `cause` of a new
 * error, whose message tells nothing of it. Express takes the strings `'route'` and `'router'` for orders, and reads
 * properties outside of any `try`.
 */
export function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) {
      for (const key of LOOKED_AT) Reflect.get(thrown, key);
      return thrown;
    }
  } catch {
    return new Error('the application threw an error that cannot be looked at');
  }
  return new Error('the application threw what is no Error', { cause: thrown });
}

function stackOf(error: unknown, frames: number | undefined): string {
  if (!isError(error)) return `not an Error was thrown: ${String(error)}`;
  const heading = `${error.name}: ${error.message}`;
  const lines = (error.stack ?? heading).split('\n');
  const firstFrame = lines.findIndex((line) => /^\s+at /.test(line));
  if (firstFrame < 0) return lines.join('\n');
  const end = frames === undefined ? lines.length : firstFrame + frames;
  return lines.slice(0, end).join('\n');
}
