import { fragments, requests } from './corpus.ts';
import type { Random } from './random.ts';

/** One to three requests in a row, spoilt in up to four places, or in none. */
export function makeInput(random: Random): Buffer {
  let text = '';
  for (let left = 1 + random.below(3); left > 0; left--) text += random.pick(requests);
  for (let left = random.below(5); left > 0; left--) text = mutate(text, random);
  return Buffer.from(text, 'latin1');
}

/** Cuts the input at up to four places. */
export function cut(input: Buffer, random: Random): Buffer[] {
  const places = Array.from({ length: 1 + random.below(4) }, () => random.below(input.length + 1));
  const ordered = [0, ...places.sort((a, b) => a - b), input.length];
  return ordered.slice(1).map((end, index) => input.subarray(ordered[index], end));
}

function mutate(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(6));
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at) + random.pick(fragments) + text.slice(at);
    case 1:
      return text.slice(0, at) + random.pick(fragments) + text.slice(end);
    case 2:
      return text.slice(0, at) + text.slice(end);
    case 3:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 4:
      return text.slice(0, end) + text.slice(at);
    case 5:
      return text.slice(0, at);
    default:
      return insertLine(text, random);
  }
}

/** A fragment where a field line begins: most of what goes wrong goes wrong there. */
function insertLine(text: string, random: Random): string {
  const lines = text.split('\r\n');
  lines.splice(random.below(lines.length + 1), 0, random.pick(fragments).replace(/\r\n$/, ''));
  return lines.join('\r\n');
}
