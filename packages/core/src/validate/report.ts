import { AssertionError } from 'node:assert';
import { show } from '../show.js';

/** What the validator advises against but does not refuse; sent through `process.emitWarning`. */
export class WSGIWarning extends Error {
  override name = 'WSGIWarning';
}

/** Who broke a rule. A component between two validators is middleware, whichever side it breaks. */
export type Side = 'server' | 'application' | 'middleware';

/** The titles of the sections of PEP 3333 that the validator enforces. */
export type Section =
  | 'A Note On String Types'
  | 'The Application/Framework Side'
  | 'Specification Details'
  | 'environ Variables'
  | 'Input and Error Streams'
  | 'The start_response() Callable'
  | 'Handling the Content-Length Header'
  | 'Buffering and Streaming'
  | 'Middleware Handling of Block Boundaries'
  | 'The write() Callable'
  | 'Unicode Issues'
  | 'Error Handling'
  | 'Other HTTP Features';

/**
 * A broken rule: who broke it, which one, and where PEP 3333 states it.
 *
 * @param actual - what was found in place of what the rule asks for; for tools that show it.
 */
export function violation(
  side: Side,
  rule: string,
  section: Section,
  actual?: unknown,
): AssertionError {
  return new AssertionError({
    message: message(side, rule, section),
    actual,
    operator: 'validator',
    stackStartFn: violation,
  });
}

/** Warns of what is no violation, or what is found too late to be thrown. */
export function warn(side: Side, advice: string, section: Section): void {
  process.emitWarning(new WSGIWarning(message(side, advice, section)));
}

/** Throws unless `value` is a string of bytes: PEP 3333's native string. */
export function checkNativeString(
  side: Side,
  what: string,
  value: unknown,
  section: Section = 'A Note On String Types',
): asserts value is string {
  if (typeof value !== 'string') {
    throw violation(side, `${what} must be a string, not ${show(value)}`, section, value);
  }
  const at = value.search(/[^\0-\xff]/);
  if (at === -1) return;
  const code = value.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
  throw violation(
    side,
    `${what} holds U+${code}, which is no single byte, at index ${at}: ${show(value)}; encode it first, with utf8ToWsgi for instance`,
    'Unicode Issues',
    value,
  );
}

/** Throws unless a callable was given as many arguments as its signature takes. */
export function checkArguments(
  side: Side,
  callable: string,
  args: readonly unknown[],
  least: number,
  most: number,
  section: Section,
): void {
  if (args.length >= least && args.length <= most) return;
  const takes = least === most ? `${least}` : `${least} to ${most}`;
  const plural = most === 1 ? 'argument' : 'arguments';
  throw violation(
    side,
    `${callable} takes ${takes} ${plural}, not ${args.length}: ${show(args)}`,
    section,
    args,
  );
}

function message(side: Side, text: string, section: Section): string {
  return `${side}: ${text} (PEP 3333, "${section}")`;
}
