/** The table of responses that are compared byte for byte: requests x statuses x header fields x applications. */

/** A chunk as native string, or a text where bytes should be. */
export type Chunk = string | { text: string };
type Fields = [name: string, value: string][];

/** What an application does. `start` with `caught` passes an error that it has caught. */
export type Step =
  | { start: [status: string, headers: Fields, caught: boolean] }
  | { write: Chunk }
  | { try: Step }
  | { raise: true };
export type BodyStep = Step | { chunk: Chunk };

export interface Scenario {
  cgi: boolean;
  method: string;
  protocol: string;
  httpVersion: string;
  serverSoftware: string | null;
  /** What it does when it is called. */
  call: Step[];
  /** What it returns: an array, an iterator that does things, or something that is no body. */
  body: { list: Chunk[] } | { iterator: BodyStep[] } | { other: string | null };
}

const protocols = ['HTTP/0.9', 'HTTP/1.0', 'HTTP/1.1'];
const hosts = [
  // Behind a web server the protocol does not matter.
  { cgi: true, httpVersion: '1.0', serverSoftware: null, protocols: ['HTTP/1.1'] },
  { cgi: false, httpVersion: '1.0', serverSoftware: 'Soft/1.0', protocols },
  { cgi: false, httpVersion: '1.1', serverSoftware: null, protocols },
];
const methods = ['GET', 'HEAD'];
const statuses = [
  '200 OK',
  '404 Not Found',
  '204 No Content',
  '205 Reset Content',
  '304 Not Modified',
];
const refusedStatuses = ['200', '20X OK', '200OK', '', '100 Continue', '600 Later', '200 O\rK'];
const fields: Fields[] = [
  [],
  [
    ['Content-Type', 'text/plain'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=\xe9'],
  ],
  [['Content-Length', '5']],
  [['Content-Length', '3']],
  [['content-length', '7']],
  [
    ['Date', 'Mon, 05 Jun 2006 18:49:54 GMT'],
    ['Server', 'Mine/1'],
  ],
];
const refusedFields: Fields[] = [
  [['Connection', 'close']],
  [['Transfer-Encoding', 'chunked']],
  [['Content-Length', '-1']],
];
/** Of what is no string wsgiref makes no `Headers`, and so forgets that it was called. */
const noFields: Fields = [['X-Number', 1 as never]];

type Play = Pick<Scenario, 'call' | 'body'>;

/** Every shape of application, for one status and one set of header fields. */
function plays(status: string, headers: Fields): Play[] {
  const start: Step = { start: [status, headers, false] };
  const again: Step = { start: ['500 Oh No', [['X-Again', '1']], false] };
  const replace: Step = { start: ['500 Oh No', [['X-Replaced', '1']], true] };
  const raise: Step = { raise: true };
  const hello = { list: ['Hello'] };
  const chunks = (...items: string[]): BodyStep[] => items.map((chunk) => ({ chunk }));
  return [
    ...[[], [''], ['Hello'], ['He', 'llo'], ['', 'Hello'], ['He', '', 'llo'], ['', '']].map(
      (list): Play => ({ call: [start], body: { list } }),
    ),
    ...[[], [''], ['Hello'], ['', 'Hello'], ['He', '', 'llo']].map(
      (items): Play => ({ call: [start], body: { iterator: chunks(...items) } }),
    ),
    // startResponse as late as it may be, and too late.
    { call: [], body: { iterator: [start, ...chunks('Hello')] } },
    { call: [], body: { iterator: [...chunks(''), start, ...chunks('Hello')] } },
    { call: [], body: { iterator: [...chunks('Hello'), start] } },
    { call: [], body: hello },
    { call: [], body: { list: [] } },
    // The write callable.
    { call: [start, { write: 'Hello' }], body: { list: [] } },
    { call: [start, { write: 'He' }], body: { list: ['llo'] } },
    { call: [start, { write: '' }, { write: 'He' }, { write: 'llo' }], body: { iterator: [] } },
    { call: [start], body: { iterator: [{ write: 'He' }, ...chunks('llo')] } },
    // Called twice.
    { call: [start, again], body: hello },
    { call: [start, { try: again }], body: hello },
    { call: [{ try: start }, again], body: hello },
    { call: [{ try: start }, replace], body: hello },
    { call: [start, replace], body: hello },
    { call: [start, { write: 'He' }, again], body: hello },
    { call: [start, { write: 'He' }, replace], body: hello },
    { call: [start], body: { iterator: [...chunks('He'), replace, ...chunks('llo')] } },
    { call: [start], body: { iterator: [...chunks(''), replace, ...chunks('llo')] } },
    // Errors before and after the header fields.
    { call: [raise], body: hello },
    { call: [start, raise], body: hello },
    { call: [start, { write: 'He' }, raise], body: hello },
    { call: [start], body: { iterator: [raise] } },
    { call: [start], body: { iterator: [...chunks(''), raise] } },
    { call: [start], body: { iterator: [...chunks('Hello'), raise] } },
    // What is no chunk, and what is no body.
    { call: [start], body: { list: [{ text: 'Hello' }] } },
    { call: [start], body: { list: ['He', { text: 'llo' }] } },
    { call: [start], body: { iterator: [{ chunk: { text: 'Hello' } }] } },
    { call: [start], body: { iterator: [...chunks('He'), { chunk: { text: 'llo' } }] } },
    { call: [start, { write: { text: 'Hello' } }], body: hello },
    { call: [start], body: { other: 'Hello' } },
    { call: [start], body: { other: null } },
  ];
}

function* responses(): Generator<Play> {
  for (const status of statuses) for (const headers of fields) yield* plays(status, headers);
  for (const status of refusedStatuses) yield* plays(status, []);
  for (const headers of [...refusedFields, noFields]) yield* plays('200 OK', headers);
}

export function* scenarios(): Generator<Scenario> {
  for (const play of responses()) {
    for (const { protocols, ...host } of hosts) {
      for (const protocol of protocols) {
        for (const method of methods) yield { ...host, protocol, method, ...play };
      }
    }
  }
}
