/** Parts that take anything, against models plain enough to be believed; the environ has fuzz-environ.test.ts. */
import { type Environ, Headers, requestUri, setupTestingDefaults } from '@wsgi/core';
import { BodyInput } from '@wsgi/core/handlers';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const runs = { numRuns: Number(process.env.FUZZ_RUNS ?? 500), seed: 42 };

/** The next bytes of `rest` up to and with a newline, at most `size`; all sizes below 0 mean none. */
function lineOf(rest: Buffer, size: number): Buffer {
  const newline = rest.indexOf(10);
  const line = newline < 0 ? rest : rest.subarray(0, newline + 1);
  return size < 0 ? line : line.subarray(0, size);
}

type Read = [how: 'read' | 'readline' | 'readlines', size: number];

it('reads a body by any mix of methods, however it arrives', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc
          .uint8Array({ maxLength: 40 })
          .map((bytes) => bytes.map((byte) => (byte % 5 ? byte : 10))),
        { maxLength: 20 },
      ),
      fc.infiniteStream(fc.boolean()),
      fc.array(
        fc.tuple(
          fc.constantFrom<Read[0]>('read', 'readline', 'readlines'),
          fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(-1)),
        ),
        { maxLength: 30 },
      ),
      async (chunks, waits, reads) => {
        const left = chunks.filter(({ length }) => length > 0).map((chunk) => Buffer.from(chunk));
        let rest = Buffer.concat(left);
        const input = new BodyInput({
          pull() {
            const next = left.shift() ?? null;
            return waits.next().value === true ? Promise.resolve(next) : next;
          },
        });
        for (const [how, size] of reads) {
          if (how === 'readlines') {
            let total = 0;
            const expected: Buffer[] = [];
            while (rest.length > 0 && (size <= 0 || total < size)) {
              const line = lineOf(rest, -1);
              expected.push(line);
              total += line.length;
              rest = rest.subarray(line.length);
            }
            const lines = await input.readlines(size);
            expect(lines.map((line) => Buffer.from(line))).toEqual(expected);
          } else {
            const expected =
              how === 'readline'
                ? lineOf(rest, size)
                : rest.subarray(0, size < 0 ? undefined : size);
            expect(Buffer.from(await input[how](size))).toEqual(Buffer.from(expected));
            rest = rest.subarray(expected.length);
          }
        }
        const lines: Buffer[] = [];
        for await (const line of input) lines.push(Buffer.from(line));
        expect(Buffer.concat(lines)).toEqual(Buffer.from(rest));
      },
    ),
    runs,
  ));

it('keeps header fields as a list of pairs does', () => {
  const name = fc.constantFrom('A', 'a', 'X-Long-Name', 'x-LONG-name', 'Set-Cookie');
  const value = fc.stringMatching(/^[!-~]{1,8}$/);
  const change = fc.tuple(fc.constantFrom('set', 'delete', 'setDefault', 'add'), name, value);
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const headers = new Headers([]);
      let pairs: Array<[string, string]> = [];
      const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
      for (const [how, key, given] of changes) {
        const others = pairs.filter(([other]) => !same(other, key));
        const has = others.length < pairs.length;
        if (how === 'set') headers.set(key, given);
        else if (how === 'delete') headers.delete(key);
        else if (how === 'add') headers.addHeader(key, given);
        else headers.setDefault(key, given);
        if (how === 'set') pairs = [...others, [key, given]];
        else if (how === 'delete') pairs = others;
        else if (how === 'add' || !has) pairs.push([key, given]);
        expect(headers.items()).toEqual(pairs);
        const values = pairs.filter(([other]) => same(other, key)).map(([, held]) => held);
        expect(headers.getAll(key)).toEqual(values);
        expect(headers.get(key)).toBe(values[0] ?? null);
        expect(headers.has(key)).toBe(values.length > 0);
        expect(headers.length).toBe(pairs.length);
      }
    }),
    runs,
  );
});

it('makes a URI of any path that a URL parser reads back, byte for byte', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (bytes) => {
      const path = `/${Buffer.from(bytes).toString('latin1')}`;
      const environ: Partial<Environ> = { SCRIPT_NAME: '', PATH_INFO: path };
      setupTestingDefaults(environ);
      const uri = requestUri(environ as Environ);
      expect(uri).toMatch(/^http:\/\/127\.0\.0\.1\/[!-~]*$/);
      expect(uri).not.toMatch(/[?#]/);
      const raw = uri.slice('http://127.0.0.1'.length);
      const back = raw.replace(/%([0-9A-F]{2})/g, (_all, hex) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      expect(back).toBe(path);
    }),
    runs,
  );
});
