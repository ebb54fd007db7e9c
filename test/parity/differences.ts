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
  'validator-native-strings': {
    module: 'validate',
    wsgiref: 'strings above U+00FF pass',
    here: 'a violation',
    why: 'PEP 3333, "Unicode Issues": a code unit for each byte',
  },
  'validator-environ': {
    module: 'validate',
    wsgiref:
      'SERVER_PROTOCOL may be missing, and it, REQUEST_METHOD, SERVER_NAME and SERVER_PORT empty; wsgi.version may be any tuple and CONTENT_LENGTH whatever int() takes; extensions are not looked at',
    here: 'violations; extensions that this specification names have the type that it says',
    why: 'PEP 3333, "environ Variables"; RFC 9110 8.6',
  },
  'validator-paths': {
    module: 'validate',
    wsgiref:
      'a missing SCRIPT_NAME or PATH_INFO is a KeyError, from putting together the message of another check',
    here: 'it is right where PEP 3333 lets it be omitted: one that is empty, but not both',
    why: 'PEP 3333, "environ Variables"',
  },
  'validator-methods': {
    module: 'validate',
    wsgiref: 'it warns of every method but eight',
    here: 'it warns of the methods that Node does not know',
    why: "HTTP has got more of them, WebDAV's among them",
  },
  'validator-input': {
    module: 'validate',
    wsgiref:
      'wsgi.input may give more than was asked for, several lines as one, and bytes after the end',
    here: 'violations of the server',
    why: 'PEP 3333, "Input and Error Streams"',
  },
  'validator-read-all': {
    module: 'validate',
    wsgiref: 'wsgi.input.read() without a size is a violation',
    here: 'it is right',
    why: 'the input always ends here (wsgi.input_terminated), and waiting for it blocks nobody else',
  },
  'validator-writelines': {
    module: 'validate',
    wsgiref: 'wsgi.errors.writelines() takes a string, and writes its characters',
    here: 'a violation',
    why: 'it is found where it is made',
  },
  'validator-status': {
    module: 'validate',
    wsgiref:
      'a code above 599 or informational passes, and control characters in the reason; a status of another form is warned of',
    here: 'violations',
    why: 'PEP 3333, "The start_response() Callable"; RFC 9110 15',
  },
  'validator-field': {
    module: 'validate',
    wsgiref: 'a header name is letters, digits, - and _; a value holds no HTAB, and may hold DEL',
    here: 'a name is any token; a value may hold HTAB, and no DEL',
    why: 'RFC 9110 5.1 and 5.5: no right application is refused',
  },
  'validator-hop-by-hop': {
    module: 'validate',
    wsgiref: 'hop-by-hop headers pass, for the handlers to refuse',
    here: 'a violation',
    why: 'PEP 3333, "Other HTTP Features"',
  },
  'validator-content-length': {
    module: 'validate',
    wsgiref: 'a Content-Length of any form passes, with a body of any length',
    here: 'violations',
    why: 'PEP 3333, "Handling the Content-Length Header"',
  },
  'validator-bodyless': {
    module: 'validate',
    wsgiref:
      '204, 205 and 304 may have a body, and a server may read on the body of an answer to HEAD',
    here: 'violations, of the application and of the server',
    why: 'RFC 9110 9.3.2, 15.3.5, 15.3.6 and 15.4.5',
  },
  'validator-exc-info': {
    module: 'validate',
    wsgiref: 'excInfo that is no tuple is a violation',
    here: 'it is warned of when it is no Error',
    why: 'JavaScript can throw anything',
  },
  'validator-start-response': {
    module: 'validate',
    wsgiref:
      'a second start_response without exc_info passes, none at all with an empty body, and one that returns no write',
    here: 'violations',
    why: 'PEP 3333, "The start_response() Callable"',
  },
  'validator-empty-chunk-first': {
    module: 'validate',
    wsgiref: 'an empty chunk before start_response is a violation',
    here: 'it is right',
    why: 'PEP 3333 has middleware yield one when it has nothing yet',
  },
  'validator-order': {
    module: 'validate',
    wsgiref:
      'write from within the body, write, start_response and reading after the end, and closing twice pass',
    here: 'violations',
    why: 'PEP 3333, "The write() Callable" and "Specification Details"',
  },
  'validator-blocks': {
    module: 'validate',
    wsgiref: 'middleware that holds chunks back passes',
    here: 'validators on both of its sides find it',
    why: 'PEP 3333, "Middleware Handling of Block Boundaries"',
  },
  'handler-status': {
    module: 'handlers',
    wsgiref: 'start_response takes informational codes, codes above 599 and control characters',
    here: 'it refuses them',
    why: "informational responses are the server's; RFC 9110 15; response splitting",
  },
  'handler-content-length-form': {
    module: 'handlers',
    wsgiref: 'start_response takes a Content-Length of any form',
    here: 'it refuses one that is no decimal number',
    why: 'RFC 9110 8.6: two readers of it could find different bodies',
  },
  'handler-failed-start': {
    module: 'handlers',
    wsgiref:
      'start_response passes a second time without exc_info where the first call could make no Headers',
    here: 'a called start_response is remembered, whatever came of it',
    why: 'PEP 3333, "The start_response() Callable"',
  },
  'handler-empty-chunk': {
    module: 'handlers',
    wsgiref: 'an empty chunk sends the header fields, and needs start_response to have been called',
    here: 'they wait for a chunk that is not empty',
    why: 'PEP 3333, "The start_response() Callable"; an error after it can still be answered',
  },
  'handler-sized-array': {
    module: 'handlers',
    wsgiref: 'Content-Length is counted for a list of one block',
    here: 'for an array of any length, whose chunks are all checked before the first is sent',
    why: 'the length is known, and a wrong chunk is found while it can be answered',
  },
  'handler-bodyless': {
    module: 'handlers',
    wsgiref:
      'answers to HEAD, 204, 205 and 304 are sent with their bodies, or a Content-Length of 0',
    here: 'without, but for the length of 205; what is left of the body is not asked for',
    why: 'RFC 9110 6.4.1, 8.6 and 15.3.6: the body would be read as the next response',
  },
  'handler-content-length': {
    module: 'handlers',
    wsgiref: 'a body is not checked against its Content-Length',
    here: 'what is past it is cut off, and a short body ends the connection; both are reported',
    why: 'RFC 9112 6.3: surplus bytes would be read as the next response',
  },
  'handler-chunked': {
    module: 'handlers',
    wsgiref: 'a response of unknown length ends with the connection',
    here: 'under HTTP/1.1 it is sent in chunks',
    why: 'RFC 9112 7.1: the client can tell a whole body from a broken one',
  },
  'environ-double-slash': {
    module: 'environ',
    wsgiref: 'newer releases make one slash of several at the beginning of the path',
    here: 'PATH_INFO is the path as sent, decoded',
    why: 'requestUri and applicationUri cannot name another host because of it',
  },
  'environ-target-form': {
    module: 'environ',
    wsgiref: 'PATH_INFO is the whole of an absolute-form target, and * for OPTIONS *',
    here: 'the path of the target, with its authority as HTTP_HOST; empty for *',
    why: 'RFC 9112 3.2.2 and 3.2.4',
  },
  'environ-content-type': {
    module: 'environ',
    wsgiref: 'CONTENT_TYPE is text/plain when there is none',
    here: 'it is empty',
    why: 'PEP 3333: may be empty or missing; nothing is invented',
  },
  'environ-remote-host': {
    module: 'environ',
    wsgiref: 'REMOTE_HOST is the name of the peer, or empty',
    here: 'it is missing',
    why: 'RFC 3875 4.1.9: a name would have to be looked up, and is not looked up',
  },
  'environ-underscore': {
    module: 'environ',
    wsgiref: 'a header name with _ is taken for the one with -',
    here: 'it is dropped',
    why: 'X_Forwarded_For could pass for X-Forwarded-For (CVE-2024-45614)',
  },
  'environ-proxy': {
    module: 'environ',
    wsgiref: 'the Proxy header becomes HTTP_PROXY; read_environ takes it from a web server',
    here: 'it is dropped; readEnviron leaves it out under CGI',
    why: 'HTTP clients would take it for their proxy (CVE-2016-1000110)',
  },
  'environ-cookie': {
    module: 'environ',
    wsgiref: 'several Cookie headers are joined with a comma',
    here: 'with a semicolon and a space',
    why: 'RFC 9113 8.2.3 and RFC 6265 4.2.1: a comma is part of a value',
  },
  'environ-reserved': {
    module: 'environ',
    wsgiref: 'a header named as a variable of the server, such as Server-Name, is dropped',
    here: 'it is HTTP_SERVER_NAME like any other',
    why: 'the prefix keeps them apart',
  },
  'environ-space': {
    module: 'environ',
    wsgiref: 'U+0085 and U+00A0 are stripped off the ends of a value',
    here: 'only space and tab are',
    why: 'RFC 9110 5.6.3: those are bytes of the value',
  },
  'environ-native': {
    module: 'environ',
    wsgiref: 'read_environ gives text for variables that are not of the request',
    here: 'native strings for all',
    why: 'one rule for every string of the environ',
  },
  'environ-process': {
    module: 'environ',
    wsgiref: 'every environ begins with the environment of the process',
    here: "it does under CGI, where that is the request's",
    why: 'it holds secrets',
  },
  'handler-partial-write': {
    module: 'handlers, as objects',
    wsgiref: 'what a stdout.write() did not take is written again, with a DeprecationWarning',
    here: 'a write takes all it is given; a number that it returns says nothing',
    why: "Node's streams have no partial writes",
  },
  'handler-state': {
    module: 'handlers, as objects',
    wsgiref: 'after an error with the header fields sent, result, headers, status and environ stay',
    here: 'the handler is reset at the end of every response, but for its environ',
    why: 'close() is the end, however a response ends',
  },
  'handler-error-after-head': {
    module: 'handlers, as objects',
    wsgiref:
      'after an error with the header fields sent nothing more is done, and the response ends in order',
    here: 'the transport is told to cut it off, by _abort()',
    why: 'RFC 9112 6.3 and 8: no client shall take a part for the whole',
  },
  'handler-second-error': {
    module: 'handlers, as objects',
    wsgiref: 'run() raises an error that comes while another one is handled',
    here: 'both are reported, and the transport is told to cut off; run() does not throw',
    why: 'a rejection that nobody handles ends the process',
  },
  'handler-abstract': {
    module: 'handlers, as objects',
    wsgiref: 'the abstract methods of BaseHandler raise NotImplementedError',
    here: 'there are none: the compiler asks for them',
    why: 'it is found before the program runs',
  },
  'server-line-ends': {
    module: 'simple_server',
    wsgiref: 'lines of a request may end in LF alone',
    here: '400',
    why: 'RFC 9112 2.2 and 11.2: what another server took for one line would be two',
  },
  'server-target-bytes': {
    module: 'simple_server',
    wsgiref: 'a request target may hold any byte but white space',
    here: '400 for what is not ASCII; such bytes come percent-encoded',
    why: 'RFC 3986 2: a proxy in front could read another path',
  },
  'server-protocol': {
    module: 'simple_server',
    wsgiref: 'HTTP/1.0, and a connection for each request',
    here: 'HTTP/1.1: persistent connections, chunked bodies both ways',
    why: 'what clients speak now',
  },
} as const satisfies Record<string, Difference>;

export type DifferenceId = keyof typeof DIFFERENCES;

/** The rows of one module. */
export type DifferencesOf<Module extends string> = {
  [Id in DifferenceId]: (typeof DIFFERENCES)[Id]['module'] extends Module ? Id : never;
}[DifferenceId];
