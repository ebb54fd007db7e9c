import { asError, checkGatewayOptions, standardErrors, TextErrors } from '@wsgi/core';
import { mountGateway as mountInExpress } from '@wsgi/express';
import { mountGateway as mountInHttp } from '@wsgi/http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

describe('TextErrors', () => {
  it('gives each text to its function as it comes', () => {
    const texts: string[] = [];
    const errors = new TextErrors((text) => texts.push(text));
    errors.write('a');
    errors.writelines(new Set(['b\n', 'c\n']));
    errors.flush();
    expect(texts).toEqual(['a', 'b\n', 'c\n']);
  });

  it('refuses bytes, and says what to do', () => {
    const texts: string[] = [];
    const errors = new TextErrors((text) => texts.push(text));
    expect(() => errors.write(Buffer.from('a') as never)).toThrow(/text, not <Buffer 61>; decode/);
    expect(() => errors.writelines(['a', 1 as never])).toThrow(TypeError);
    expect(texts).toEqual(['a']);
  });
});

it('names the error that was written in place of its text', () => {
  const errors = new TextErrors(() => {});
  const write = () => errors.write(new RangeError('the cause of it all') as never);
  expect(write).toThrow(/^wsgi\.errors takes text, not RangeError: the cause of it all/);
});

describe('standardErrors', () => {
  it('writes to the standard error of the process', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => write.mockRestore());
    standardErrors.write('said\n');
    expect(write.mock.calls.map(([text]) => text)).toEqual(['said\n']);
  });
});

describe('asError', () => {
  it('gives an Error as it is', () => {
    const error = new TypeError('mine');
    expect(asError(error)).toBe(error);
  });

  it('wraps anything else, and keeps it as the cause', () => {
    const wrapped = asError('route');
    expect([wrapped.message, wrapped.cause]).toEqual([
      'the application threw what is no Error',
      'route',
    ]);
  });

  it('replaces an error whose properties throw', () => {
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'status', {
      get() {
        throw new Error('in the getter');
      },
    });
    expect(asError(hostile).message).toBe(
      'the application threw an error that cannot be looked at',
    );
  });
});

describe('checkGatewayOptions', () => {
  it.each([
    [{ maxBodySize: -1 }, 'maxBodySize must be a number of bytes, 0 or more, not -1'],
    [{ maxBodySize: Number.NaN }, 'not NaN'],
    [{ maxBodySize: '5' }, "not '5'"],
    [{ errors: console }, 'errors must be an error stream'],
    [{ errors: { write() {} } }, 'and has no writelines; new TextErrors'],
    [{ errors: { write() {}, writelines() {} } }, 'and has no flush; new TextErrors'],
    [{ errors: null }, 'errors must be an error stream'],
    [{ environ: 'a' }, 'environ must be an object or a function'],
    [{ environ: null }, 'not null'],
    [
      '/gateway',
      "the options must be an object such as { maxBodySize: 1_000_000 }, not '/gateway'",
    ],
    [null, 'the options must be an object such as { maxBodySize: 1_000_000 }, not null'],
  ])('refuses %j', (options, message) => {
    expect(() => checkGatewayOptions(options as never)).toThrow(message);
  });

  it("refuses a stream of Node's, which would fail at the first report", () => {
    const options = { errors: process.stderr };
    expect(() => checkGatewayOptions(options as never)).toThrow('and has no writelines');
  });

  it.each([
    ['node:http', mountInHttp],
    ['Express', mountInExpress],
  ])('refuses a path in place of the options, in %s', (_host, mount) => {
    expect(() => mount(() => [], '/gateway' as never)).toThrow('an object such as');
    expect(() => mount(() => [], null as never)).toThrow('an object such as');
  });

  it('takes what is right', () => {
    const errors = new TextErrors(() => {});
    expect(() => checkGatewayOptions({ maxBodySize: 0, errors, environ: {} })).not.toThrow();
  });
});
