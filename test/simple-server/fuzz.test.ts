import { expect, it } from 'vitest';
import { cut, makeInput } from './fuzz/mutate.ts';
import { NodeHttpView } from './fuzz/node-http.ts';
import { type OurView, parseWithOurs } from './fuzz/ours.ts';
import { randomFrom } from './fuzz/random.ts';
import type { SeenRequest } from './fuzz/seen.ts';

/** `npm run fuzz:parser` sets a million and more. */
const inputs = Number(process.env['FUZZ_INPUTS'] ?? 20_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 3333);
const batchSize = 250;

it(`accepts nothing that node:http refuses, and sees what it sees (${inputs} inputs)`, {
  timeout: 3_600_000,
}, async () => {
  const node = new NodeHttpView();
  let accepted = 0;
  for (let first = 0; first < inputs; first += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, inputs - first) }, (_, index) =>
      makeInput(randomFrom(seed + first + index)),
    );
    const views = await node.parseAll(batch);
    for (const [index, input] of batch.entries()) {
      const ours = parseWithOurs([input]);
      const complaint = compare(ours, views[index] ?? []);
      if (complaint !== null) {
        expect.fail(`${complaint}\nseed ${seed + first + index}: ${show(input)}`);
      }
      accepted += ours.requests.filter((request) => request.complete).length;
    }
  }
  // Inputs that are all refused would prove nothing.
  expect(accepted).toBeGreaterThan(inputs / 4);
});

it('sees the same however the bytes are cut', { timeout: 3_600_000 }, () => {
  for (let index = 0; index < inputs; index++) {
    const random = randomFrom(seed + index);
    const input = makeInput(random);
    const whole = parseWithOurs([input]);
    const pieces = parseWithOurs(cut(input, random));
    if (show(whole) !== show(pieces)) {
      expect.fail(`seed ${seed + index}: ${show(input)}\n${show(whole)}\n${show(pieces)}`);
    }
  }
});

/** What is wrong with our view of an input, in the light of node:http's; `null` when nothing is. */
function compare(ours: OurView, theirs: readonly SeenRequest[]): string | null {
  for (const [index, request] of ours.requests.entries()) {
    const counterpart = theirs[index];
    if (counterpart === undefined) return `node:http refuses request ${index}: ${show(request)}`;
    if (request.complete && !counterpart.complete) return `node:http refuses the body ${index}`;
    if (request.complete && show(request) !== show(counterpart)) {
      return `request ${index} differs:\nours ${show(request)}\nnode ${show(counterpart)}`;
    }
    if (asksForUpgrade(request)) return null;
  }
  return null;
}

/** node:http reads nothing after such a request, though it answers it as any other. */
function asksForUpgrade({ rawHeaders }: SeenRequest): boolean {
  return rawHeaders.some((name) => name.toLowerCase() === 'upgrade');
}

function show(value: OurView | SeenRequest | Buffer): string {
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString('latin1'));
  if ('requests' in value) return JSON.stringify([value.requests, value.error?.status]);
  return JSON.stringify(value);
}
