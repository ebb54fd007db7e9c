/** Headers as a list to begin with and a sequence of calls, with the state after each. */
import { isDeepStrictEqual } from 'node:util';
import { Headers } from '@wsgi/core';
import * as fc from 'fast-check';
import { outcomeOf, type Subject } from './compare.ts';
import type { DifferenceId } from './differences.ts';

type Method =
  | 'get'
  | 'getAll'
  | 'set'
  | 'delete'
  | 'has'
  | 'setDefault'
  | 'addHeader'
  | 'keys'
  | 'values'
  | 'items'
  | 'length'
  | 'toString'
  | 'toBytes';

type Call = [method: Method, ...args: unknown[]];

export interface Sequence {
  /** The list for the constructor, or something else; null for none. */
  given: unknown;
  calls: Call[];
}

/** What came of a call, and the list that was given as it was then. What an error says is not compared. */
type Step = ({ value: unknown } | { error: true }) & { given?: unknown };

const rarely = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 80, arbitrary: usual }, { weight: 1, arbitrary: rare });

// Few names in many cases, so that the calls meet the same fields.
const token = fc.constantFrom(
  ...['A', 'a', 'B', 'b', 'Set-Cookie', 'set-cookie', 'SET-COOKIE', 'Content-Type', 'Content-Typo'],
);
const text = fc.string({ unit: fc.constantFrom(...'a ";=,\\\t\xe9\xff\x80') });
const notText = fc.constantFrom<unknown>(5, 0.5, null, true, [], {});
const strange = fc.oneof(
  fc.constantFrom(
    '',
    'a b',
    'a:',
    'a\r\nb',
    'a\n',
    '\0',
    '\x7f',
    '\xe9',
    '日',
    'a\u0100',
    '\u212a',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const name = rarely<unknown>(token, fc.oneof(strange, notText));
const value = rarely<unknown>(text, fc.oneof(strange, notText));
// JavaScript puts keys that are numbers first, whatever their order was.
const paramName = rarely(
  fc.constantFrom('filename', 'file_name', 'x-y', 'a_b_', 'q*'),
  strange.filter((key) => !/^\d/.test(key)),
);
const paramValue = rarely<unknown>(fc.oneof(text, fc.constant(null)), fc.oneof(strange, notText));
const params = fc
  .uniqueArray(fc.tuple(paramName, paramValue), { selector: ([key]) => key, maxLength: 3 })
  .map((entries) => Object.fromEntries(entries));

const call: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(fc.constantFrom<Method>('get', 'getAll', 'delete', 'has'), name),
  fc.tuple(fc.constant<Method>('get'), name, text),
  fc.tuple(fc.constantFrom<Method>('set', 'setDefault'), name, value),
  fc.tuple(fc.constant<Method>('addHeader'), name, fc.oneof(value, fc.constant(null)), params),
  fc.tuple(fc.constantFrom<Method>('keys', 'values', 'items', 'length', 'toString', 'toBytes')),
);

export const headersSequences: Subject<Sequence> = {
  op: 'headers_sequence',
  cases: fc.record({
    given: fc.oneof(
      { weight: 40, arbitrary: fc.array(fc.tuple(name, value), { maxLength: 6 }) },
      { weight: 2, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.constantFrom<unknown>('A: b', {}, 5, [['A']], [['A', 'b', 'c']], ['AB'], [5]),
      },
    ),
    calls: fc.array(call, { minLength: 5, maxLength: 25 }),
  }),
  here: async ({ given, calls }) => {
    let made: Headers[] = [];
    const steps = [
      await stepOf(() => {
        made = [new Headers(given as never)];
      }),
    ];
    for (const headers of made) {
      for (const each of calls) {
        const step = await stepOf(() => perform(headers, each));
        steps.push({ ...step, given: structuredClone(given ?? []) });
      }
    }
    return steps;
  },
  row: ({ given, calls }, theirs, ours) => {
    if ('error' in theirs || 'error' in ours) return undefined;
    const there = theirs.value as Step[];
    const here = ours.value as Step[];
    // From the first difference on the lists are not the same: the calls up to there are what is compared.
    const at = here.findIndex((step, i) => !isDeepStrictEqual(step, there[i]));
    const [theirStep, ourStep] = [there[at], here[at]];
    if (theirStep === undefined || ourStep === undefined) return undefined;
    const done = at === 0 ? (['new', given] as const) : calls[at - 1];
    return done && rowOf(done, theirStep, ourStep);
  },
};

async function stepOf(run: () => unknown): Promise<Step> {
  const outcome = await outcomeOf(run);
  return 'error' in outcome ? { error: true } : outcome;
}

function perform(headers: Headers, [method, ...args]: Call): unknown {
  if (method === 'length') return headers.length;
  if (method === 'toBytes') return Buffer.from(headers.toBytes()).toString('latin1');
  return Reflect.apply(headers[method], headers, args);
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\0-\x1f\x7f]/;

/** The row by which one call, or the constructor, comes to something else. */
function rowOf(
  [method, ...args]: readonly [method: Method | 'new', ...args: unknown[]],
  theirs: Step,
  ours: Step,
): DifferenceId | undefined {
  if ('error' in theirs && 'error' in ours)
    return method === 'set' ? 'header-set-atomic' : undefined;
  const [first, second, parameters] = args;
  if (method !== 'new') return rowOfField('error' in ours, first, second, Object(parameters));
  if (!Array.isArray(first)) return undefined;
  if (first.some((pair) => !Array.isArray(pair)))
    return 'error' in ours ? 'header-pair' : undefined;
  return first.map((pair) => rowOfField('error' in ours, pair[0], pair[1], {})).find(Boolean);
}

function rowOfField(
  refusedHere: boolean,
  name: unknown,
  value: unknown,
  params: Record<string, unknown>,
): DifferenceId | undefined {
  const texts = (...given: unknown[]): string[] => given.filter((text) => typeof text === 'string');
  const names = texts(name, ...Object.keys(params));
  const values = texts(value, ...Object.values(params));
  // Newer releases of CPython refuse control characters too, and some of them HTAB.
  if (!refusedHere)
    return CONTROL.test([...names, ...values].join('')) ? 'header-control' : undefined;
  if (CONTROL.test([...names, ...values.join('').split('\t')].join(''))) return 'header-control';
  if (!TOKEN.test(String(name))) return 'header-name-token';
  if (/[^\0-\xff]/.test([...names, ...values].join(''))) return 'header-latin1';
  return Object.keys(params).every((key) => TOKEN.test(key)) ? undefined : 'header-parameter-token';
}
