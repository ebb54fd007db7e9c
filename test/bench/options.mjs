// The command line of the benchmark.
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { items } from './load.mjs';
import { servers } from './servers.mjs';

/** Names as a shell takes them: some hold a space, a comma or brackets. */
const list = (all) =>
  all.map(({ name }) => (/^[\w@/:.-]+$/.test(name) ? name : `'${name}'`)).join(', ');

export const usage = `npm run bench -- [options]

  --only NAME     one item or one server; may be given more than once
  --rounds N      rounds of each item (default 5)
  --seconds N     seconds of each measurement (default 4)
  --warm-up N     seconds of load before it, which do not count (default 3)
  --quick         3 rounds of 1 second, after 1 second of load
  --json FILE     write all figures as JSON
  --svg FILE      write a bar chart of the ratios of the first item
  --base NAME     the server that the others are compared with (default node:http)
  --help          show this

Items: ${list(items)}
Servers: ${list(servers)}
`;

const forms = {
  only: { type: 'string', multiple: true, default: [] },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  quick: { type: 'boolean', default: false },
  json: { type: 'string' },
  svg: { type: 'string' },
  base: { type: 'string', default: 'node:http' },
  help: { type: 'boolean', default: false },
};

/**
 * What to measure: everything that can be wrong with it is found here, and not after twenty minutes.
 *
 * @throws Error that says what is wrong, in a line.
 */
export function readOptions(args) {
  const { values } = parseArgs({ args, options: forms });
  if (values.help) return { help: true };
  const only = new Set(values.only);
  for (const name of only) {
    if (![...items, ...servers].some((one) => one.name === name)) {
      throw new Error(`there is no item and no server named '${name}'`);
    }
  }
  const named = servers.filter(({ name }) => only.has(name));
  const chosenItems = items.filter(({ name }) => only.has(name));
  if (chosenItems.length === 0) chosenItems.push(...items);
  checkWritable(values.json);
  checkWritable(values.svg);
  return {
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '3' : '5')),
    seconds: wholeNumber('--seconds', values.seconds ?? (values.quick ? '1' : '4')),
    // V8 compiles what it sees often. Of large bodies few are sent in a second: their first thousands are no measure.
    warmUp: wholeNumber('--warm-up', values['warm-up'] ?? (values.quick ? '1' : '3')),
    json: values.json,
    svg: values.svg,
    base: values.base,
    items: chosenItems,
    servers: withBase(named, values.base, chosenItems),
  };
}

function wholeNumber(name, text) {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Error(`${name} takes a whole number from 1 on, not '${text}'`);
}

function checkWritable(path) {
  if (path === undefined) return;
  try {
    const isThere = statSync(path, { throwIfNoEntry: false });
    if (isThere?.isDirectory()) throw new Error('it is a folder');
    accessSync(isThere === undefined ? dirname(resolve(path)) : path, constants.W_OK);
  } catch (error) {
    throw new Error(`${path} cannot be written: ${error.message}`);
  }
}

/** The servers that are there, the base among them, which does every item that is measured. */
function withBase(named, baseName, chosenItems) {
  const base = servers.find(({ name }) => name === baseName);
  if (base === undefined) throw new Error(`there is no server named '${baseName}'`);
  if (!isThere(base)) throw new Error(`${baseName} is not installed, and so compares with nothing`);
  const missed = chosenItems.find((item) => !does(base, item));
  if (missed !== undefined) {
    throw new Error(`${baseName} does ${base.only.join(', ')} only, and not ${missed.name}`);
  }
  for (const server of named) {
    if (!chosenItems.some((item) => does(server, item))) {
      throw new Error(`${server.name} does ${server.only.join(', ')} only`);
    }
  }
  const chosen = (named.length > 0 ? named : servers).filter((server) => {
    if (isThere(server)) return true;
    console.error(`bench: ${server.name} is not installed, and so not measured`);
    return false;
  });
  return chosen.includes(base) ? chosen : [base, ...chosen];
}

const isThere = ({ found }) => found === undefined || found();

/** Whether a server does an item. */
export const does = (server, item) => server.only?.includes(item.name) !== false;
