// What the project aims at, as ratios of rates and as memory, and what a run says of it.
import { median } from './report.mjs';

const small = ['text', 'json', 'echo-1k', 'middleware'];
const long = ['echo-1m', 'array', 'generator', 'async-generator', 'file', 'events'];
const all = [...small, ...long];
const peers = ['Koa', '@hono/node-server', 'srvx', '@whatwg-node/server', 'hattip'];

/** `server` serves each of `items` at `ratio` times the rate of `base`, or more. */
const targets = [
  { server: '@wsgi/http', base: 'node:http', ratio: 1, items: all },
  { server: '@wsgi/fastify', base: 'Fastify 5', ratio: 0.95, items: all },
  // Native `res.send` is asked for where Express has it; its routes are node:http's own elsewhere.
  { server: '@wsgi/express', base: 'Express 5', ratio: 1.15, items: all },
  { server: '@wsgi/express', base: 'Express 5, writeHead', ratio: 0.95, items: ['text', 'json'] },
  { server: '@wsgi/simple-server', base: 'node:http', ratio: 2.5, items: ['text'] },
  { server: '@wsgi/simple-server', base: 'node:http', ratio: 2, items: ['json', 'echo-1k'] },
  { server: '@wsgi/simple-server', base: 'canned reply (node:net)', ratio: 0.75, items: ['text'] },
  { server: '@wsgi/simple-server', base: 'node:http', ratio: 1, items: long },
  ...peers.map((base) => ({ server: '@wsgi/simple-server', base, ratio: 1, items: all })),
];

/** The items in which 64 MiB go through a server, and the MiB above its idle figure that it may take for them. */
const streams = ['generator', 'async-generator', 'file'];
const room = 32;

/** A line for each target that the run has figures for: what is wanted, the median of paired ratios, the verdict. */
export function verdicts(measured) {
  const lines = [
    '### Targets',
    '',
    '| item | server | compared with | wanted | measured | |',
    '| --- | --- | --- | ---: | ---: | --- |',
  ];
  for (const { server, base, ratio, items } of targets) {
    for (const item of items) {
      const found = ratioOf(measured[item], server, base);
      if (found === undefined) continue;
      const verdict = found >= ratio ? 'met' : '**missed**';
      lines.push(
        `| ${item} | ${server} | ${base} | ${ratio.toFixed(2)} | ${found.toFixed(2)} | ${verdict} |`,
      );
    }
  }
  for (const item of streams) {
    for (const { server, memory } of measured[item] ?? []) {
      if (!server.startsWith('@wsgi/') || memory === undefined) continue;
      const taken = memory.peak - memory.idle;
      const verdict = taken <= room ? 'met' : '**missed**';
      lines.push(
        `| ${item} | ${server} | its memory when idle | +${room} MiB | ${taken < 0 ? '' : '+'}${taken.toFixed(0)} MiB | ${verdict} |`,
      );
    }
  }
  return lines.length > 4 ? `${lines.join('\n')}\n` : '';
}

function ratioOf(results = [], server, base) {
  const rates = (wanted) => results.find((result) => result.server === wanted)?.rates;
  const [ours, theirs] = [rates(server), rates(base)];
  if (ours === undefined || theirs === undefined) return undefined;
  return median(ours.map((rate, turn) => rate / theirs[turn]));
}
