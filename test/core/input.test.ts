import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import {
  BodyInput,
  type ByteSource,
  ClientDisconnectedError,
  LengthSource,
  PayloadTooLargeError,
  ReadableSource,
} from '@wsgi/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

type Call =
  | ['read' | 'readline' | 'read1', size?: number]
  | ['readlines', hint?: number]
  | ['iterate', lines: number];

/** Chunks as a transport gives them: at once, or later; how many were asked for is counted. */
class Chunks implements ByteSource {
  readonly #chunks: Uint8Array[];
  readonly #later: boolean;
  pulled = 0;

  constructor(chunks: Uint8Array[], later = false) {
    this.#chunks = [...chunks];
    this.#later = later;
  }

  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    this.pulled += 1;
    const chunk = this.#chunks.shift() ?? null;
    return this.#later ? Promise.resolve(chunk) : chunk;
  }
}

/** The same calls on a whole body, as Python's BytesIO answers them. */
class Model {
  #left: Buffer;

  constructor(body: Buffer) {
    this.#left = body;
  }

  take(size: number): string {
    const taken = this.#left.subarray(0, size);
    this.#left = this.#left.subarray(taken.length);
    return taken.toString('latin1');
  }

  read(size = -1): string {
    return this.take(size < 0 ? this.#left.length : size);
  }

  readline(size = -1): string {
    const newline = this.#left.indexOf(10);
    const line = newline < 0 ? this.#left.length : newline + 1;
    return this.take(size < 0 ? line : Math.min(size, line));
  }

  readlines(hint = -1, most = Number.POSITIVE_INFINITY): string[] {
    const lines: string[] = [];
    for (let total = 0; lines.length < most; ) {
      const line = this.readline();
      if (line === '') break;
      lines.push(line);
      total += line.length;
      if (hint > 0 && total >= hint) break;
    }
    return lines;
  }

  get left(): string {
    return this.#left.toString('latin1');
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

const bytes = fc.array(fc.constantFrom(...Buffer.from('ab\n\n\xff', 'latin1')), { maxLength: 40 });
/** A body, cut anywhere; empty chunks too. */
const bodies = fc.array(
  bytes.map((list) => Uint8Array.from(list)),
  { maxLength: 8 },
);
const size = fc.option(fc.integer({ min: -1, max: 50 }), { nil: undefined });
/** A call without its size is not one with the size undefined, by its type. */
const optional = <Method>([method, size]: [Method, number | undefined]): [Method, number?] =>
  size === undefined ? [method] : [method, size];
const call = fc.oneof(
  fc.tuple(fc.constantFrom('read' as const, 'readline' as const), size).map(optional),
  fc.tuple(fc.constant('readlines' as const), size).map(optional),
  fc.tuple(fc.constant('iterate' as const), fc.nat(4)),
);
const calls: fc.Arbitrary<Call[]> = fc.array(call, { maxLength: 12 });

async function perform(input: BodyInput, [method, size]: Call): Promise<unknown> {
  if (method === 'readlines') return (await input.readlines(size)).map(text);
  if (method !== 'iterate') return text(await input[method](size));
  const lines: string[] = [];
  const iterator = input[Symbol.asyncIterator]();
  while (lines.length < size) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    lines.push(text(value));
  }
  return lines;
}

function expected(model: Model, [method, size]: Call): unknown {
  if (method === 'iterate') return model.readlines(-1, size);
  return method === 'read1' ? undefined : model[method](size);
}

describe('BodyInput', () => {
  it('answers any calls as a whole body would, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, calls, fc.boolean(), async (chunks, calls, later) => {
        const input = new BodyInput(new Chunks(chunks, later));
        const model = new Model(Buffer.concat(chunks));
        for (const each of calls) {
          expect(await perform(input, each)).toEqual(expected(model, each));
        }
        expect(text(await input.read())).toBe(model.left);
      }),
      { numRuns: 1000 },
    );
  });

  it('answers calls that overlap in their order', async () => {
    const waiting = calls.map((list) => list.filter(([method]) => method !== 'iterate'));
    await fc.assert(
      fc.asyncProperty(bodies, waiting, fc.boolean(), async (chunks, calls, later) => {
        const input = new BodyInput(new Chunks(chunks, later));
        const model = new Model(Buffer.concat(chunks));
        const answers = await Promise.all(calls.map((each) => perform(input, each)));
        expect(answers).toEqual(calls.map((each) => expected(model, each)));
      }),
      { numRuns: 500 },
    );
  });

  it('gives with read1 what has arrived: nothing only at the end, never more than asked for', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.integer({ min: 1, max: 9 }), async (chunks, size) => {
        const source = new Chunks(chunks);
        const input = new BodyInput(source);
        const whole = Buffer.concat(chunks).toString('latin1');
        let read = '';
        for (;;) {
          const part = await input.read1(size);
          expect(part.length).toBeLessThanOrEqual(size);
          if (part.length === 0) break;
          read += text(part);
        }
        expect(read).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('pulls no more than a read needs', async () => {
    const source = new Chunks([Buffer.from('ab'), Buffer.from('c\n'), Buffer.from('rest')]);
    const input = new BodyInput(source);
    expect(source.pulled).toBe(0);
    await input.read(2);
    expect(source.pulled).toBe(1);
    await input.readline();
    expect(source.pulled).toBe(2);
    await input.read(0);
    expect(source.pulled).toBe(2);
    await input.read1(0);
    expect(source.pulled).toBe(2);
  });

  it('answers readline(size) when as much has arrived, and waits for no newline then', async () => {
    const source = new Chunks([Buffer.from('ab'), Buffer.from('c\n')]);
    const input = new BodyInput(source);
    expect(text(await input.readline(2))).toBe('ab');
    expect(source.pulled).toBe(1);
  });

  it('stays at its end, and asks its source no more', async () => {
    const source = new Chunks([Buffer.from('a')]);
    const input = new BodyInput(source);
    expect(text(await input.read())).toBe('a');
    expect(source.pulled).toBe(2);
    for (const each of [['read'], ['read', 5], ['readline'], ['read1']] as Call[]) {
      expect(await perform(input, each)).toBe('');
    }
    expect(await perform(input, ['readlines'])).toEqual([]);
    expect(input.ended).toBe(true);
    expect(source.pulled).toBe(2);
  });

  it('keeps the order of a read that is called when the one before the last has been answered', async () => {
    const gates: Array<(chunk: Uint8Array) => void> = [];
    const pull = () => new Promise<Uint8Array>((resolve) => gates.push(resolve));
    const input = new BodyInput({ pull });
    const first = input.read(2);
    const second = input.read(2);
    gates.shift()?.(Buffer.from('ab'));
    expect(text(await first)).toBe('ab');
    const third = input.read(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(gates).toHaveLength(1);
    gates.shift()?.(Buffer.from('cdef'));
    expect(text(await second)).toBe('cd');
    expect(text(await third)).toBe('ef');
  });

  it('gives what had arrived to a read that stands behind one that fails', async () => {
    const arrived: Uint8Array[] = [Buffer.from('abc')];
    const pull = async () => {
      const chunk = arrived.shift();
      if (chunk === undefined) throw new ClientDisconnectedError();
      return chunk;
    };
    const input = new BodyInput({ pull });
    const [whole, part] = await Promise.allSettled([input.read(), input.read(2)]);
    expect(whole).toMatchObject({ status: 'rejected', reason: { code: 'ECONNRESET' } });
    expect(part).toEqual({ status: 'fulfilled', value: Buffer.from('ab') });
  });

  it.each([
    ['fails', (input: BodyInput) => input.fail(new Error('it failed')), 'it failed'],
    ['is over', (input: BodyInput) => input.end(), 'once the response is over'],
  ])('rejects a read that waits while the stream %s', async (_what, stop, message) => {
    let give = (_chunk: null): void => {};
    const pull = () =>
      new Promise<null>((resolve) => {
        give = resolve;
      });
    const input = new BodyInput({ pull });
    const reading = input.read();
    stop(input);
    give(null);
    await expect(reading).rejects.toThrow(message);
    expect(input.ended).toBe(false);
  });

  it('stays a body that was too large when its client goes', async () => {
    const input = new BodyInput(new Chunks([Buffer.from('abc')]), { limit: 2 });
    await expect(input.read()).rejects.toThrow(PayloadTooLargeError);
    input.fail(new ClientDisconnectedError());
    expect(input.tooLarge).toBe(true);
    await expect(input.read()).rejects.toThrow(PayloadTooLargeError);
  });

  it('takes null for a size that was left out', async () => {
    const input = new BodyInput(new Chunks([Buffer.from('ab\nc\nd\ne')]));
    const none = null as unknown as undefined;
    expect(text(await input.readline(none))).toBe('ab\n');
    expect(text(await input.read1(none))).toBe('c\nd\ne');
    expect(await input.readlines(none)).toEqual([]);
    expect(text(await input.read(none))).toBe('');
  });

  it.each([1.5, Number.NaN, '5', {}])(
    'refuses the size %j, and says what to write',
    async (size) => {
      const input = new BodyInput(new Chunks([]));
      for (const method of ['read', 'readline', 'readlines', 'read1'] as const) {
        expect(() => input[method](size as number)).toThrow(
          `must be an integer number of bytes, not ${inspect(size)};`,
        );
      }
    },
  );

  it('rejects every read once the body was found larger than the limit', async () => {
    const input = new BodyInput(new Chunks([Buffer.from('abc'), Buffer.from('def')]), { limit: 5 });
    expect(text(await input.read(3))).toBe('abc');
    await expect(input.read(1)).rejects.toThrow(PayloadTooLargeError);
    await expect(input.readline()).rejects.toThrow(PayloadTooLargeError);
    expect(input.tooLarge).toBe(true);
  });

  it('takes a body of exactly the limit', async () => {
    const input = new BodyInput(new Chunks([Buffer.from('abc')]), { limit: 3 });
    expect(text(await input.read())).toBe('abc');
  });

  it('rejects with the error of its source, again and again, after what had arrived', async () => {
    const error = new ClientDisconnectedError();
    let pulled = 0;
    const input = new BodyInput({
      pull: () => {
        pulled += 1;
        if (pulled > 1) throw error;
        return Buffer.from('abc');
      },
    });
    expect(text(await input.read(2))).toBe('ab');
    await expect(input.read()).rejects.toBe(error);
    await expect(input.read()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(pulled).toBe(2);
  });

  it('makes no unhandled rejection of a read that nobody awaits', async () => {
    const heard: unknown[] = [];
    const hear = (reason: unknown) => heard.push(reason);
    process.on('unhandledRejection', hear);
    const input = new BodyInput({ pull: () => Promise.reject(new Error('broken')) });
    void input.read();
    void input.readline();
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', hear);
    expect(heard).toEqual([]);
  });
});

describe('ReadableSource', () => {
  const body = () => Readable.from([Buffer.from('all '), Buffer.from('of it')]);
  const read = async (stream: Readable) =>
    Buffer.from(await new BodyInput(new ReadableSource(stream)).read()).toString();
  const taken = /has been read by something else in the host/;

  it('gives the bytes of its stream', async () => {
    await expect(read(body())).resolves.toBe('all of it');
  });

  it('rejects where its stream gives text, and says why it does', async () => {
    const decoded = body().setEncoding('utf8');
    await expect(read(decoded)).rejects.toThrow(/something called setEncoding\(\) on it/);
    await expect(read(Readable.from('all of it'))).rejects.toThrow(
      "gives 'all of it', and must give bytes: Buffer.from(text)",
    );
    await expect(read(Readable.from([1]))).rejects.toThrow('gives 1, and must give bytes');
  });

  it('takes bytes of another realm, such as a test runner makes', async () => {
    const stream = Readable.from([runInNewContext('new Uint8Array([97])')]);
    await expect(read(stream)).resolves.toBe('a');
  });

  it('rejects when somebody else has read the stream', async () => {
    const stream = body();
    for await (const _chunk of stream);
    await expect(read(stream)).rejects.toThrow(taken);
  });

  it('rejects when somebody else is at it', async () => {
    const stream = body();
    await new Promise((resolve) => stream.on('data', resolve));
    await expect(read(stream)).rejects.toThrow(taken);
  });

  it('gives all to one who shares it from the beginning', async () => {
    const stream = body();
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    await expect(read(stream)).resolves.toBe('all of it');
    expect(String(Buffer.concat(chunks))).toBe('all of it');
  });

  it('gives the beginning that somebody has looked at and put back', async () => {
    const stream = body();
    await new Promise<void>((resolve) => {
      stream.once('data', (chunk) => {
        stream.pause();
        stream.unshift(chunk);
        resolve();
      });
    });
    await expect(read(stream)).resolves.toBe('all of it');
  });

  it('gives an empty body to whoever asks for it', async () => {
    const stream = Readable.from([]);
    for await (const _chunk of stream);
    await expect(read(stream)).resolves.toBe('');
  });
});

describe('LengthSource', () => {
  it('gives as many bytes as it was told to, and asks for no more', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.nat(100), fc.boolean(), async (chunks, length, later) => {
        const whole = Buffer.concat(chunks);
        fc.pre(length <= whole.length);
        const source = new Chunks(chunks, later);
        const input = new BodyInput(new LengthSource(source, length));
        expect(text(await input.read())).toBe(text(whole.subarray(0, length)));
        const pulled = source.pulled;
        expect(await input.read()).toHaveLength(0);
        expect(source.pulled).toBe(pulled);
        if (length === 0) expect(pulled).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it.each([true, false])(
    'says ECONNRESET of a source that ends before (later: %s)',
    async (later) => {
      const input = new BodyInput(new LengthSource(new Chunks([Buffer.from('abc')], later), 5));
      await expect(input.read()).rejects.toMatchObject({
        code: 'ECONNRESET',
        message: 'the client closed the connection 2 bytes before the end of its body',
      });
    },
  );
});
