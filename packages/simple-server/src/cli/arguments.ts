import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isPath } from '../address.js';
import { Fault, messageOf } from './fault.js';

/** What the command line asks for. */
export interface Arguments {
  /** `module` or `module:export`; undefined for the demo application. */
  readonly application: string | undefined;
  /** A host, or the absolute path of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly validate: boolean;
  readonly reload: boolean;
  readonly quiet: boolean;
  /** Paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly wants: 'serve' | 'help' | 'version';
}

export const USAGE = `Usage: wsgi [options] [module[:export]]

Serves a WSGI application; without a module, one that says hello and shows its environ.
The export is 'default', else 'application' or 'app', unless one is named.

  --host HOST       where to listen (127.0.0.1; '' for all addresses)
  --port PORT       the port (8000; 0 for any free one)
  --unix PATH       listen on a Unix socket instead
  --workers N       serve with N processes (1)
  --reload          start again when a file below this directory changes
  --validate        check the application against the specification at each request
  --tls-cert FILE   serve https with this certificate (PEM) ...
  --tls-key FILE    ... and this key
  --quiet           say nothing but errors
  --version         show the version
  --help            show this
`;

const OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  unix: { type: 'string' },
  workers: { type: 'string' },
  reload: { type: 'boolean', default: false },
  validate: { type: 'boolean', default: false },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  quiet: { type: 'boolean', default: false },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** @throws Fault that says what is wrong with the command line. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) {
    throw new Fault(`one application at a time, not ${positionals.join(' and ')}`);
  }
  if (values.unix !== undefined && (values.host !== undefined || values.port !== undefined)) {
    throw new Fault('--unix takes the place of --host and --port: leave them out');
  }
  if (values.host !== undefined && isPath(values.host)) {
    throw new Fault(`--host takes a name or an address, not '${values.host}'; --unix takes a path`);
  }
  if (values.unix === '') throw new Fault("--unix takes a path, not ''");
  return {
    application: positionals[0],
    host: values.unix === undefined ? (values.host ?? '127.0.0.1') : resolve(values.unix),
    port: wholeNumber('--port', values.port ?? '8000', 0, 65535),
    workers: wholeNumber('--workers', values.workers ?? '1', 1, 1024),
    validate: values.validate,
    reload: values.reload,
    quiet: values.quiet,
    tls: tlsFiles(values['tls-cert'], values['tls-key']),
    wants: values.help ? 'help' : values.version ? 'version' : 'serve',
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const [line = ''] = messageOf(error).split('. ');
    throw new Fault(`${line.replaceAll('\n', ' ')} (wsgi --help shows the options)`);
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new Fault(`${name} must be a whole number from ${least} to ${most}, not '${text}'`);
}

function tlsFiles(cert: string | undefined, key: string | undefined): Arguments['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert, key };
  throw new Fault('--tls-cert and --tls-key go together: give both');
}
