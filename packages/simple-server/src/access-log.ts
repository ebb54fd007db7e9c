import { setImmediate } from 'node:timers';
import { standardErrors } from '@wsgi/core/handlers';

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

let second = Number.NaN;
let text = '';

/** Local time as in http.server's log: `22/Nov/2026 17:28:07`. Made once a second. */
export function logDateTime(): string {
  const now = Date.now();
  const current = Math.floor(now / 1000);
  if (current === second) return text;
  const date = new Date(now);
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  second = current;
  text = `${day} ${time}`;
  return text;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/**
 * Text from strangers, made fit for one field of one log line: what could begin another line, move a terminal's
 * cursor or end the quotes is written as an escape.
 */
export function escapeForLog(text: string): string {
  return UNFIT.test(text) ? text.replaceAll(EACH_UNFIT, escapeCharacter) : text;
}

/** The same, for text whose quotes are its own: of control characters alone, as wsgiref's `log_message` does it. */
export function escapeControls(text: string): string {
  return CONTROL.test(text) ? text.replaceAll(EACH_CONTROL, escapeCharacter) : text;
}

const CONTROL = /[^ -~\u00a0-\uffff]/;
const EACH_CONTROL = new RegExp(CONTROL, 'g');

const UNFIT = /[^ !#-[\]-~]/;
const EACH_UNFIT = new RegExp(UNFIT, 'g');

function escapeCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  const code = character.charCodeAt(0);
  return code > 0xff
    ? `\\u${code.toString(16).padStart(4, '0')}`
    : `\\x${code.toString(16).padStart(2, '0')}`;
}

let pending = '';

/**
 * Writes a line to standard error. Lines of one turn of the event loop go out together: a busy server would
 * spend more time on its log than on its answers.
 */
export function logToStandardError(line: string): void {
  if (pending === '') setImmediate(writePending);
  pending += `${line}\n`;
}

function writePending(): void {
  const lines = pending;
  pending = '';
  if (lines !== '') standardErrors.write(lines);
}

// A process that ends in this turn still says what it served.
process.on('exit', writePending);
