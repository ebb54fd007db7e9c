/**
 * Where this project differs from wsgiref on purpose. Any other difference that a parity test meets is a defect.
 *
 * Each row has a witness in the parity test of its module: a case that shows that it really differs.
 */
export interface Difference {
  /** The module it belongs to, whose parity test has its witness. */
  readonly module: string;
  readonly wsgiref: string;
  readonly here: string;
  readonly why: string;
}

export const DIFFERENCES = {
  'uri-script-name-slash': {
    module: 'util',
    wsgiref:
      'application_uri and request_uri put a SCRIPT_NAME without its slash right behind the host',
    here: 'they put the slash there',
    why: 'SCRIPT_NAME `.evil.example` would name another host',
  },
  'uri-path-info-slash': {
    module: 'util',
    wsgiref:
      'request_uri cuts the first character of PATH_INFO, or the % of its escape, whatever it is',
    here: 'it cuts a slash only',
    why: 'the path `*` of OPTIONS became `2A`',
  },
  'date-year-digits': {
    module: 'util',
    wsgiref: 'format_date_time fills a year before 1000 up with spaces',
    here: 'with zeros',
    why: 'RFC 9110 5.6.7: year = 4DIGIT',
  },
  'date-range': {
    module: 'util',
    wsgiref: 'format_date_time writes years before 0 and after 9999',
    here: 'a RangeError',
    why: 'HTTP has no such dates; milliseconds given for seconds would be one',
  },
  'testing-defaults-whole': {
    module: 'util',
    wsgiref:
      'setup_testing_defaults leaves out QUERY_STRING, what is missing of SCRIPT_NAME and PATH_INFO when one is there, and the port of an unknown scheme',
    here: 'it sets them, and the keys that this specification adds',
    why: 'the environ is whole afterwards, and its type says so',
  },
  'file-wrapper-blksize': {
    module: 'util',
    wsgiref: 'FileWrapper takes any blksize: 0 ends the body before it begins',
    here: 'a TypeError unless it is a positive integer',
    why: 'a wrong size is found where it is made',
  },
  'file-wrapper-bytes': {
    module: 'util',
    wsgiref: 'FileWrapper passes on whatever read gives, text of a file in text mode too',
    here: 'a TypeError unless it gives bytes',
    why: 'it is found where it is made; PEP 3333 allows bytes only',
  },
  'header-name-token': {
    module: 'headers',
    wsgiref: 'Headers takes any string as a name',
    here: 'a TypeError unless it is a token',
    why: 'RFC 9110 5.1; a name with a colon or a line break makes other fields of one',
  },
  'header-control': {
    module: 'headers',
    wsgiref: 'Headers takes control characters; newer releases refuse some of them',
    here: 'a TypeError for all in a name, and for all but HTAB in a value',
    why: 'RFC 9110 5.5; response splitting (CVE-2026-0865)',
  },
  'header-latin1': {
    module: 'headers',
    wsgiref: 'Headers takes code points above U+00FF and fails when they are sent',
    here: 'a TypeError at once',
    why: 'it is found where it is made, before the response begins',
  },
  'header-parameter-token': {
    module: 'headers',
    wsgiref: 'add_header takes any string as the name of a parameter',
    here: 'a TypeError unless it is a token',
    why: 'RFC 9110 5.6.6; a name with `;` makes other parameters of one',
  },
  'header-pair': {
    module: 'headers',
    wsgiref: 'Headers takes anything of two items as a field, the string `AB` too',
    here: 'a TypeError unless it is an array of two',
    why: 'it is found where it is made',
  },
  'header-set-atomic': {
    module: 'headers',
    wsgiref: 'setting a value that is refused has deleted the field already',
    here: 'nothing has changed',
    why: 'an application that catches the error keeps its headers',
  },
} as const satisfies Record<string, Difference>;

export type DifferenceId = keyof typeof DIFFERENCES;

/** The rows of one module. */
export type DifferencesOf<Module extends string> = {
  [Id in DifferenceId]: (typeof DIFFERENCES)[Id]['module'] extends Module ? Id : never;
}[DifferenceId];
