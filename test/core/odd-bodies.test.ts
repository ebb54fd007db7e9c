/** Bodies that are not what they should be, or more than one thing. */
import { runInNewContext } from 'node:vm';
import {
  type Application,
  BodyInput,
  emptySource,
  FileWrapper,
  type ResponseBody,
  SimpleHandler,
  setupTestingDefaults,
  TextErrors,
} from '@wsgi/core';
import { validator } from '@wsgi/core/validate';
import { afterEach, beforeEach, expect, it } from 'vitest';

const answering =
  (body: unknown): Application =>
  (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return body as ResponseBody;
  };

/** What the client gets, and what is reported. */
async function run(app: Application): Promise<{ output: string; report: string }> {
  let output = '';
  let report = '';
  const stdout = {
    write: (data: Uint8Array): void => {
      output += Buffer.from(data).toString();
    },
  };
  const errors = new TextErrors((text) => {
    report += text;
  });
  const environ = {};
  setupTestingDefaults(environ);
  await new SimpleHandler(new BodyInput(emptySource), stdout, errors, environ).run(app);
  // A rejection that nobody handles shows when the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  return { output, report };
}

const stray: unknown[] = [];
const collect = (error: unknown): void => void stray.push(error);
beforeEach(() => {
  stray.length = 0;
  process.on('unhandledRejection', collect);
});
afterEach(() => {
  process.off('unhandledRejection', collect);
});

const rejected = (): Promise<never> => Promise.reject(new Error('planned'));

function* yielding(): Generator<unknown> {
  yield rejected();
}

it.each<[string, Application]>([
  ['of a generator', (...call) => answering(yielding())(...call)],
  ['of an array', (...call) => answering([Buffer.from('a'), rejected(), rejected()])(...call)],
  ['of a validated body', validator((...call) => answering(yielding())(...call))],
  ['of a validated array', validator((...call) => answering([rejected(), rejected()])(...call))],
  [
    'of a validated iterator, and of its step',
    validator((...call) => answering({ [Symbol.iterator]: () => ({ next: rejected }) })(...call)),
  ],
  [
    'of a body, and of its iterator',
    (...call) => answering({ [Symbol.asyncIterator]: rejected })(...call),
  ],
  [
    'given to write()',
    (_environ, startResponse) => {
      startResponse('200 OK', [])(rejected() as never);
      return [];
    },
  ],
])(
  'a rejected promise in place of a chunk %s is reported, and ends no process',
  async (_of, app) => {
    const { output, report } = await run(app);
    expect(output).toMatch(/^HTTP\/1.0 500 /);
    expect(report).toMatch(/chunk|write\(\)|iterator must/);
    expect(stray).toEqual([]);
  },
);

class Doubled extends Array<Uint8Array> {
  override *[Symbol.iterator](): ArrayIterator<Uint8Array> {
    for (const chunk of super[Symbol.iterator]()) yield* [chunk, chunk];
  }
}

it.each<[string, unknown, string, string]>([
  ['an array of another realm', runInNewContext('[new Uint8Array([97])]'), 'a', '1'],
  ['an array with an iterator of its own', Doubled.of(Buffer.from('a')), 'aa', ''],
  [
    'an array with an async iterator',
    Object.assign([Buffer.from('b')], {
      [Symbol.asyncIterator]: async function* () {
        yield Buffer.from('a');
      },
    }),
    'a',
    '',
  ],
  [
    'an object whose async iterator is undefined',
    { [Symbol.asyncIterator]: undefined, [Symbol.iterator]: () => [Buffer.from('a')].values() },
    'a',
    '',
  ],
])('%s is sent as for await would read it', async (_name, body, sent, length) => {
  const { output, report } = await run(answering(body));
  expect(report).toBe('');
  const [head = '', content] = output.split('\r\n\r\n');
  expect(content).toBe(sent);
  expect(/Content-Length: (\d+)/.exec(head)?.[1] ?? '').toBe(length);
  const validated = await run(validator(answering(body)));
  expect(validated.report).toBe('');
  expect(validated.output.split('\r\n\r\n')[1]).toBe(sent);
});

it('a file whose read() gives a promise of another library than the language is sent', async () => {
  const blocks = [Buffer.from('one'), Buffer.from('two'), null];
  const filelike = {
    // biome-ignore lint/suspicious/noThenProperty: that is what such a promise is.
    read: () => ({ then: (resolve: (block: unknown) => void) => resolve(blocks.shift()) }) as never,
  };
  const { output, report } = await run(answering(new FileWrapper(filelike)));
  expect(report).toBe('');
  expect(output).toMatch(/\r\n\r\nonetwo$/);
});

it.each<[string, unknown, RegExp]>([
  [
    'nothing',
    { [Symbol.iterator]: () => ({ next: () => undefined }) },
    /next\(\) with .*undefined/,
  ],
  [
    'null, later',
    { [Symbol.asyncIterator]: () => ({ next: async () => null }) },
    /next\(\) with .*null/,
  ],
  ['a number', { [Symbol.iterator]: () => ({ next: () => 5 }) }, /next\(\) with .*5/],
])('an iterator that answers with %s is told what to answer', async (_name, body, message) => {
  const { output, report } = await run(answering(body));
  expect(output).toMatch(/^HTTP\/1.0 500 /);
  expect(report).toMatch(message);
  const validated = await run(validator(answering(body)));
  expect(validated.report).toMatch(/^AssertionError.*: application: the body's iterator/);
  expect(validated.report).toMatch(message);
});

it.each<[string, unknown, RegExp]>([
  ['nothing', () => undefined, /not undefined/],
  ['an object without next()', () => ({}), /not \{\}/],
])('a body whose iterator is %s is told what it must be', async (_name, iterator, message) => {
  for (const app of [
    answering({ [Symbol.iterator]: iterator }),
    answering({ [Symbol.asyncIterator]: iterator }),
  ]) {
    const { report } = await run(app);
    expect(report).toMatch(/^TypeError: the body's iterator must/);
    expect(report).toMatch(message);
    const validated = await run(validator(app));
    expect(validated.report).toMatch(/^AssertionError.*: application: the body's iterator must/);
    expect(validated.report).toMatch(message);
  }
});

it('an object whose Symbol.iterator is no function is refused as not iterable', async () => {
  const { report } = await run(answering({ [Symbol.iterator]: 5 }));
  expect(report).toMatch(/^TypeError: the application returned .*; return an iterable/);
});
