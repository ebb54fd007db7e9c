/**
 * The intended differences of the handlers.
 *
 * Some are a way to rewrite a scenario into one in which wsgiref does what is done here; of the others both outputs
 * are brought to a common form. What still differs is a defect.
 */
import type { DifferencesOf } from './differences.ts';
import type { Played } from './handlers-here.ts';
import type { BodyStep, Scenario, Step } from './handlers-scenarios.ts';

export type Row = DifferencesOf<'handlers'>;

/** The scenario in which wsgiref should do what is done here in this one; adds to `rows` what was rewritten. */
export function rewrite(scenario: Scenario, rows: Set<Row>): Scenario {
  return joinArray(dropEmpty(refuseMore(scenario, rows), rows), rows);
}

/** Both outputs in a form in which they should be the same; adds to `rows` what is not compared as it was. */
export function align(
  scenario: Scenario,
  theirs: Played,
  ours: Played,
  rows: Set<Row>,
): [theirs: unknown, ours: unknown] {
  const there = new Reply(scenario, theirs);
  const here = new Reply(scenario, ours);
  for (const step of [alignBodyless, alignLength, alignChunked]) {
    const row = step(there, here);
    if (row !== undefined) rows.add(row);
  }
  return [there, here].map(({ fields, body, closed, reported }) => ({
    fields,
    body,
    closed,
    reported,
  })) as [unknown, unknown];
}

/** A response taken apart. */
class Reply {
  readonly scenario: Scenario;
  fields: string[] = [];
  body: string;
  closed: number;
  reported: boolean;

  constructor(scenario: Scenario, { out, closed, reported }: Played) {
    this.scenario = scenario;
    this.body = out;
    this.closed = closed;
    this.reported = reported;
    if (!scenario.cgi && scenario.protocol === 'HTTP/0.9') return;
    const end = out.indexOf('\r\n\r\n');
    this.fields = out.slice(0, end).split('\r\n');
    this.body = out.slice(end + 4);
  }

  get status(): string {
    const [line = ''] = this.fields;
    if (line !== '') return line.slice(line.indexOf(' ') + 1);
    // HTTP/0.9 has none to show.
    if (this.body.startsWith('A server error occurred')) return '500';
    return effectiveStart(this.scenario)?.[0] ?? '';
  }

  field(name: string): string | undefined {
    const prefix = `${name.toLowerCase()}: `;
    return this.fields.find((line) => line.toLowerCase().startsWith(prefix))?.slice(prefix.length);
  }

  drop(name: string): void {
    const prefix = `${name.toLowerCase()}: `;
    this.fields = this.fields.filter((line) => !line.toLowerCase().startsWith(prefix));
  }
}

/** HEAD, 204, 205 and 304: no body, and no Content-Length that was only counted from one. */
function alignBodyless(there: Reply, here: Reply): Row | undefined {
  const { scenario } = there;
  const head = scenario.method === 'HEAD';
  if (!head && !/^(20[45]|304)/.test(there.status)) return undefined;
  if (here.body !== '') return undefined;
  const before = JSON.stringify(there);
  there.body = '';
  const own = allSteps(scenario).some((step) => 'start' in step && lengthOf(step.start[1]));
  if (there.status.startsWith('204') || (there.status.startsWith('304') && !own))
    there.drop('Content-Length');
  if (there.status.startsWith('205') && here.field('Content-Length') === '0') {
    there.drop('Content-Length');
    here.drop('Content-Length');
  }
  if (head && !own && there.field('Content-Length') === '0') there.drop('Content-Length');
  // The rest of such a body is not asked for, so what would go wrong in it does not.
  if (there.reported && !here.reported) there.reported = false;
  return JSON.stringify(there) === before ? undefined : 'handler-bodyless';
}

/** A Content-Length that the body does not keep to. */
function alignLength(there: Reply, here: Reply): Row | undefined {
  const length = Number(there.field('Content-Length') ?? missingLength(there));
  if (Number.isNaN(length) || there.body.length === length) return undefined;
  if (here.body === '' && there.body === '' && !here.reported) return undefined;
  there.body = there.body.slice(0, length);
  there.reported = true;
  return 'handler-content-length';
}

/** HTTP/0.9 has no header fields; what the application said counts all the same. */
function missingLength({ scenario, fields, status }: Reply): number | undefined {
  if (fields.length > 0) return undefined;
  const start = effectiveStart(scenario);
  return start?.[0] === status ? lengthOf(start[1]) : undefined;
}

function alignChunked(_: Reply, here: Reply): Row | undefined {
  if (here.fields.at(-1) !== 'Transfer-Encoding: chunked') return undefined;
  const { httpVersion, protocol, cgi } = here.scenario;
  if (cgi || httpVersion !== '1.1' || protocol !== 'HTTP/1.1') return undefined;
  let body = '';
  let rest = here.body;
  for (;;) {
    const [, digits = '', after = ''] = /^([0-9a-f]+)\r\n(.*)$/s.exec(rest) ?? [];
    const size = Number.parseInt(digits, 16);
    // A body that breaks off has no last chunk.
    if (size === 0 || (rest === '' && here.reported)) break;
    if (Number.isNaN(size) || after.slice(size, size + 2) !== '\r\n') return undefined;
    body += after.slice(0, size);
    rest = after.slice(size + 2);
  }
  if ((rest === '0\r\n\r\n') === here.reported) return undefined;
  here.fields.pop();
  here.body = body;
  return 'handler-chunked';
}

/** The last call of startResponse that comes before anything is sent. */
function effectiveStart(scenario: Scenario): [string, [string, string][], boolean] | undefined {
  let effective: [string, [string, string][], boolean] | undefined;
  for (const step of allSteps(scenario)) {
    if ('write' in step ? step.write !== '' : 'chunk' in step && step.chunk !== '') break;
    if ('start' in step) effective = step.start;
  }
  return effective;
}

function allSteps({ call, body }: Scenario): BodyStep[] {
  return 'iterator' in body ? [...call, ...body.iterator] : call;
}

/** A status or a Content-Length that only we refuse, and fields that only we remember, become a status that both refuse. */
function refuseMore(scenario: Scenario, rows: Set<Row>): Scenario {
  return mapSteps(scenario, (step) => {
    if (!('start' in step)) return [step];
    const [status, headers, caught] = step.start;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
    const refused = /^\d{3} /.test(status) && /^[016-9]|[\0-\x1f]/.test(status);
    if (refused) rows.add('handler-status');
    const wrongLength = headers.some(([n, v]) => /^content-length$/i.test(n) && !/^\d+$/.test(v));
    if (wrongLength) rows.add('handler-content-length-form');
    const unusable = headers.some(([, value]) => typeof value !== 'string');
    if (unusable) rows.add('handler-failed-start');
    if (!refused && !wrongLength && !unusable) return [step];
    return [{ start: ['200OK', unusable ? [] : headers, caught] }];
  });
}

function dropEmpty(scenario: Scenario, rows: Set<Row>): Scenario {
  const isEmpty = (chunk: unknown) => chunk === '' && rows.add('handler-empty-chunk') !== undefined;
  const { body } = scenario;
  const call = scenario.call.filter((step) => !('write' in step && isEmpty(step.write)));
  if ('list' in body)
    return { ...scenario, call, body: { list: body.list.filter((c) => !isEmpty(c)) } };
  if (!('iterator' in body)) return { ...scenario, call };
  const iterator = body.iterator.filter((step) => !('chunk' in step && isEmpty(step.chunk)));
  return { ...scenario, call, body: { iterator } };
}

/** An array whose length is asked for: one block, or the one that is no chunk. */
function joinArray(scenario: Scenario, rows: Set<Row>): Scenario {
  const { body, call } = scenario;
  if (!('list' in body) || body.list.length < 2) return scenario;
  const start = call.findLast((step) => 'start' in step);
  if (start === undefined || lengthOf(start.start[1]) !== undefined) return scenario;
  if (/^(20[45]|304)/.test(start.start[0]) || call.some((step) => 'write' in step)) return scenario;
  rows.add('handler-sized-array');
  const wrong = body.list.find((chunk) => typeof chunk !== 'string');
  return { ...scenario, body: { list: [wrong ?? body.list.join('')] } };
}

function lengthOf(headers: readonly [string, string][]): number | undefined {
  const field = headers.find(([name]) => name.toLowerCase() === 'content-length');
  return field && Number(field[1]);
}

function mapSteps(scenario: Scenario, map: (step: Step) => Step[]): Scenario {
  const { call, body } = scenario;
  const mapBody = (step: BodyStep): BodyStep[] => ('chunk' in step ? [step] : map(step));
  return {
    ...scenario,
    call: call.flatMap((step) =>
      'try' in step ? map(step.try).map((inner): Step => ({ try: inner })) : map(step),
    ),
    body: 'iterator' in body ? { iterator: body.iterator.flatMap(mapBody) } : body,
  };
}
