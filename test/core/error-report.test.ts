/** What `wsgi.errors` is told of an error. */
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { answering, stage } from './handler-stage.ts';

/** What is reported when an application throws this. */
const logged = (thrown: unknown): string => {
  const { handler, log } = stage();
  handler.run(() => {
    throw thrown;
  });
  return log.join('');
};

it('quotes no more of a wrong body than a line, whatever its size', () => {
  const { handler, log } = stage();
  const record = Object.fromEntries(Array.from({ length: 10_000 }, (_, id) => [`key${id}`, id]));
  handler.run(answering(record as never));
  const [first = ''] = log.join('').split('\n');
  expect(first).toMatch(
    /^TypeError: the application returned \{ key0: 0, key1: 1, .*\.\.\.; return/,
  );
  expect(first.length).toBeLessThan(1000);
});

it('logs as many frames as tracebackLimit says, and the causes', () => {
  const { handler, log } = stage();
  handler.tracebackLimit = 1;
  handler.run(() => {
    throw new Error('outer', { cause: new TypeError('inner') });
  });
  const lines = log.join('').split('\n');
  expect(lines.filter((line) => line.startsWith('    at '))).toHaveLength(2);
  expect(lines).toEqual(expect.arrayContaining(['Error: outer', 'caused by: TypeError: inner']));
});

it('shows an error of another realm, such as a test runner makes, as any other', () => {
  const error = runInNewContext("new TypeError('foreign', { cause: new Error('inner') })");
  const said = logged(error);
  expect(said).toMatch(/^TypeError: foreign\n {4}at /);
  expect(said).toMatch(/^caused by: Error: inner\n {4}at /m);
});

it('is told nothing of an error of another realm that says that the connection of a client who left has ended', async () => {
  const { handler, log } = stage();
  const gone = runInNewContext("Object.assign(new Error('gone'), { code: 'EPIPE' })");
  await handler.run(
    answering({
      [Symbol.iterator]: () => ({
        next() {
          handler.handleDisconnect();
          throw gone;
        },
      }),
    }),
  );
  expect(log).toEqual([]);
});

it('makes do with name and message where there is no stack', () => {
  expect(logged(Object.assign(new TypeError('bare'), { stack: undefined }))).toBe(
    'TypeError: bare\n',
  );
});

it('shows a stack without frames as it is', () => {
  expect(logged(Object.assign(new Error('x'), { stack: 'Error: x\nand so on' }))).toBe(
    'Error: x\nand so on\n',
  );
});

it('goes no deeper than eight causes, though they go round in a circle', () => {
  const error = new Error('round');
  error.cause = error;
  expect(logged(error).match(/Error: round/g)).toHaveLength(8);
});

it('is flushed, so that it does not wait in a stream that holds text back', () => {
  const { handler, log } = stage();
  handler.getStderr = () => ({
    write: (text) => void log.push(text),
    writelines: () => {},
    flush: () => void log.push('flushed'),
  });
  handler.run(() => {
    throw new Error('of the application');
  });
  expect(log).toEqual([expect.stringContaining('of the application'), 'flushed']);
});
