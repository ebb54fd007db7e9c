import { types } from 'node:util';
import { checkHeader, isServersField, isToken } from '../field.js';
import { show } from '../show.js';
import type { HeaderList } from '../types.js';
import { checkNativeString, type Side, violation, warn } from './report.js';

/** What the validator keeps of a response's head. */
export interface ResponseHead {
  readonly code: number;
  /** How many bytes the application promised to send, if it did. */
  readonly contentLength: number | undefined;
}

/**
 * Checks the arguments of `startResponse`, as `side` gave them.
 *
 * Source: PEP 3333, "The start_response() Callable".
 */
export function checkResponseHead(
  side: Side,
  status: unknown,
  headers: unknown,
  excInfo: unknown,
): ResponseHead {
  const code = checkStatus(side, status);
  checkHeaders(side, headers);
  checkContentType(side, code, headers);
  const contentLength = checkContentLength(side, headers);
  checkExcInfo(side, excInfo);
  return { code, contentLength };
}

/** 204 and 304 have no body, whatever the request: RFC 9110 sections 15.3.5 and 15.4.5. */
export function hasNoBody(code: number): boolean {
  return code === 204 || code === 304;
}

const SECTION = 'The start_response() Callable';

function checkStatus(side: Side, status: unknown): number {
  checkNativeString(side, 'the status', status, SECTION);
  if (/[^\x20-\x7e\x80-\xff]/.test(status)) {
    const rule = `the status must hold no control character: ${show(status)}`;
    throw violation(side, rule, SECTION, status);
  }
  const code = /^(\d{3}) /.exec(status)?.[1];
  if (code === undefined) {
    const rule = `the status must be three digits, a space and a reason, as in '200 OK', not ${show(status)}`;
    throw violation(side, rule, SECTION, status);
  }
  // 1xx is the server's to send; nothing above 599 is defined (RFC 9110 15).
  if (code < '200' || code > '599') {
    const rule = `the status code must be from 200 to 599: ${show(status)}`;
    throw violation(side, rule, SECTION, status);
  }
  return Number(code);
}

function checkHeaders(side: Side, headers: unknown): asserts headers is HeaderList {
  if (!Array.isArray(headers)) {
    const rule = `the headers must be an array of [name, value] pairs, not ${show(headers)}`;
    throw violation(side, rule, SECTION, headers);
  }
  for (const item of headers) checkItem(side, item);
}

function checkItem(side: Side, item: unknown): void {
  if (!Array.isArray(item) || item.length !== 2) {
    const rule = `a header must be an array of a name and a value, not ${show(item)}`;
    throw violation(side, rule, SECTION, item);
  }
  const [name, value]: unknown[] = item;
  checkNativeString(side, 'a header name', name, SECTION);
  checkNativeString(side, `the value of the header ${show(name)}`, value, SECTION);
  checkField(side, name, value);
  checkName(side, name, value);
}

// What a field may hold is core's to say: a name that is a token, a value without control characters.
function checkField(side: Side, name: string, value: string): void {
  try {
    checkHeader(name, value);
  } catch (error) {
    const rule = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    throw violation(side, rule, SECTION, isToken(name) ? value : name);
  }
}

function checkName(side: Side, name: string, value: string): void {
  const header = show(name);
  if (!/[0-9A-Za-z]$/.test(name)) {
    const rule = `the header name ${header} must not end in punctuation`;
    throw violation(side, rule, SECTION, name);
  }
  if (name.toLowerCase() === 'status') {
    const rule = `the header ${header} (${show(value)}) is CGI's; the status is startResponse's first argument`;
    throw violation(side, rule, SECTION, name);
  }
  if (isServersField(name)) {
    const rule = `the header ${header} (${show(value)}) is hop-by-hop, and so the server's`;
    throw violation(side, rule, 'Other HTTP Features', name);
  }
}

function checkContentType(side: Side, code: number, headers: HeaderList): void {
  const field = headers.find(([name]) => name.toLowerCase() === 'content-type');
  if (hasNoBody(code) && field) {
    const rule = `a ${code} response has no body and no Content-Type, but has ${show(field[1])}`;
    throw violation(side, rule, SECTION, field[1]);
  }
  if (!hasNoBody(code) && !field) {
    throw violation(side, `Content-Type is missing from ${show(headers)}`, SECTION, headers);
  }
}

function checkContentLength(side: Side, headers: HeaderList): number | undefined {
  const values = headers
    .filter(([name]) => name.toLowerCase() === 'content-length')
    .map(([, value]) => value);
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1 || !/^\d+$/.test(value)) {
    const rule = `Content-Length must be one decimal number of bytes, not ${values.map(show).join(' and ')}`;
    throw violation(side, rule, 'Handling the Content-Length Header', value);
  }
  return Number(value);
}

// JavaScript can throw anything, so no value is a violation; but a server can only report an error well.
function checkExcInfo(side: Side, excInfo: unknown): void {
  if (excInfo === undefined || excInfo === null) return;
  if (excInfo instanceof Error || types.isNativeError(excInfo)) return;
  warn(side, `excInfo should be the Error that was caught, not ${show(excInfo)}`, 'Error Handling');
}
