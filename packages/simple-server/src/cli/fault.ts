import { inspect } from 'node:util';

/** What the user can mend: told in one line, without a stack. */
export class Fault extends Error {
  override readonly name: string = 'Fault';
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What to tell of an error that has ended the command: one line for what the user can mend, else all there is. */
export function describeFault(error: unknown): string {
  if (error instanceof Fault) return `wsgi: ${error.message}`;
  return `wsgi: ${typeof error === 'string' ? error : inspect(error)}`;
}
