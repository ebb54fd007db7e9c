/** What a generated application is, and how one is drawn. `play.ts` runs it, `model.ts` says what must follow. */
import fc from 'fast-check';

/** Where the steps run: in the call up to `split`, then in the body. */
export interface AppPlan {
  /** Whether the call gives a promise. */
  call: 'sync' | 'async';
  body: 'generator' | 'asyncGenerator' | 'iterable' | 'asyncIterable' | Held;
  /** How many steps run in the call. What is held has none of its own, so that all run there. */
  split: number;
  steps: readonly Step[];
  close: 'none' | 'sync' | 'async' | 'throws' | 'rejects';
}

/** Bodies that are there when the call returns; a `file` tells its size, an `asyncFile` does not. */
type Held = 'array' | 'file' | 'asyncFile';
const HELD: ReadonlySet<string> = new Set<Held>(['array', 'file', 'asyncFile']);

export type Step =
  | {
      do: 'start';
      status: string;
      /** `typed` are good ones, too, with a Content-Type. */
      fields: 'good' | 'typed' | 'split' | 'hop' | 'name' | 'none';
      /** Content-Length, as the difference from the bytes that follow; undefined: none is given. */
      length?: number | undefined;
      excInfo: boolean;
    }
  | { do: 'write'; size: number; awaited: boolean }
  | { do: 'chunk'; size: number }
  /** Yields a string. */
  | { do: 'text' }
  | {
      do: 'read';
      how: 'read' | 'line' | 'lines' | 'each' | 'chunks';
      /** What is asked for; negative: all. */
      size: number;
    }
  | { do: 'pause' }
  | { do: 'throw'; what: 'Error' | 'string' | 'undefined' }
  /** Waits until the client has gone. */
  | { do: 'hang'; after: 'returns' | 'reason' | 'throws' };

const good = fc.constantFrom('200 OK', '200 OK', '200 OK', '201 Created', '404 Not Found', '503 ');
const odd = fc.constantFrom('204 No Content', '205 Reset Content', '304 Not Modified');
const bad = fc.constantFrom('100 Continue', 'OK', '99 No', '200 OK\r\nSet-Cookie: a=b', '200');

const size = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 100 }) },
  { weight: 3, arbitrary: fc.constantFrom(4095, 4096, 4097, 16_384, 65_535, 65_536) },
  { weight: 1, arbitrary: fc.constantFrom(262_144, 1_048_576) },
);

const start: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('start' as const),
  status: fc.oneof(
    { weight: 20, arbitrary: good },
    { weight: 3, arbitrary: odd },
    { weight: 1, arbitrary: bad },
  ),
  fields: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('good', 'typed' as const) },
    { weight: 1, arbitrary: fc.constantFrom('split', 'hop', 'name', 'none' as const) },
  ),
  length: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(-70_000, -10, -1, 1, 10, 70_000) },
  ),
  excInfo: fc.oneof(
    { weight: 6, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 24, arbitrary: fc.record({ do: fc.constant('chunk' as const), size }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('write' as const), size, awaited: fc.boolean() }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      how: fc.constantFrom('read', 'line', 'lines', 'each', 'chunks' as const),
      size: fc.constantFrom(-1, 0, 1, 10, 1000, 65_536, 200_000),
    }),
  },
  { weight: 6, arbitrary: fc.constant({ do: 'pause' as const }) },
  { weight: 1, arbitrary: start },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('throw' as const),
      what: fc.constantFrom('Error', 'Error', 'string', 'undefined' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('hang' as const),
      after: fc.constantFrom('returns', 'reason', 'throws' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'text' as const }) },
);

const steps: fc.Arbitrary<readonly Step[]> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(fc.array(step, { maxLength: 2 }), start, fc.array(step, { maxLength: 8 }))
      // Most begin at once: what comes before the start is an error more often than not.
      .map(([before, first, after]) =>
        before.length === 2 ? [...before, first, ...after] : [first, ...after],
      ),
  },
  { weight: 1, arbitrary: fc.array(step, { maxLength: 4 }) },
);

export const appPlan: fc.Arbitrary<AppPlan> = fc
  .record({
    call: fc.constantFrom('sync', 'async' as const),
    body: fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom('file', 'asyncFile' as const) },
      {
        weight: 5,
        arbitrary: fc.constantFrom(
          'array',
          'generator',
          'asyncGenerator',
          'iterable',
          'asyncIterable' as const,
        ),
      },
    ),
    split: fc.nat({ max: 3 }),
    steps,
    close: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('none', 'sync', 'async' as const) },
      { weight: 1, arbitrary: fc.constantFrom('throws', 'rejects' as const) },
    ),
  })
  .map(executable);

/** The plan without the steps that cannot be where they are: nothing waits in what is synchronous. */
function executable(plan: AppPlan): AppPlan {
  const split = HELD.has(plan.body) ? plan.steps.length : plan.split;
  const waits = (index: number): boolean =>
    index < split ? plan.call === 'async' : plan.body.startsWith('async');
  const yields = (index: number): boolean => HELD.has(plan.body) || index >= split;
  const kept: Step[] = [];
  let calls = 0;
  for (const [index, planned] of plan.steps.entries()) {
    if (['read', 'pause', 'hang'].includes(planned.do) && !waits(index)) continue;
    if (['chunk', 'text'].includes(planned.do) && !yields(index)) continue;
    // Files hold bytes.
    if (planned.do === 'text' && HELD.has(plan.body) && plan.body !== 'array') continue;
    if (index < split) calls += 1;
    kept.push(planned);
  }
  return { ...plan, split: calls, steps: kept };
}

/** The bytes that the steps from `index` on would send, if nothing went wrong. */
function bytesFrom(plan: AppPlan, index: number): number {
  let bytes = 0;
  for (const planned of plan.steps.slice(index)) {
    if (planned.do === 'chunk' || planned.do === 'write') bytes += planned.size;
  }
  return bytes;
}

/** The Content-Length that a `start` gives, if it gives one. */
export function lengthAt(plan: AppPlan, index: number): number | undefined {
  const planned = plan.steps[index];
  if (planned?.do !== 'start' || planned.length === undefined) return undefined;
  // What is held is sent after all that is written, and what was put there before counts, too.
  const from = HELD.has(plan.body) ? 0 : index;
  return Math.max(0, bytesFrom(plan, from) + planned.length);
}

/** What all bodies are made of, in both directions. Its length is prime, so that no chunk's size divides it. */
const PATTERN = makePattern(65_521);

function makePattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let place = 0; place < length; place += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    // One byte in sixteen ends a line.
    bytes[place] = (state >> 20) % 16 === 0 ? 10 : state >> 16;
  }
  return bytes;
}

/** `size` bytes of a body from a place on. */
export function pattern(place: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const from = (place + at) % PATTERN.length;
    at += PATTERN.copy(bytes, at, from);
  }
  return bytes;
}
