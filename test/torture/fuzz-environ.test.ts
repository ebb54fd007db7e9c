/** The environ of generated requests over a real socket, and the URIs made from one, against plain models. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { applicationUri, type Environ, getEnviron, type RequestEnviron } from '@wsgi/core';
import { mountGateway } from '@wsgi/http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

const numRuns = Number(process.env.FUZZ_RUNS ?? 500);

interface Request {
  method: string;
  target: string;
  version: '1.0' | '1.1';
  fields: Array<[name: string, value: string]>;
}

const latin1 = (unit: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(unit, { maxLength }).map((units) => String.fromCharCode(...units));

/** What a parser lets through in a target: no space, no control character. */
const targetUnit = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Buffer.from('/%gwxXx25aF/?&=;.,:@')) },
  { weight: 2, arbitrary: fc.integer({ min: 0x21, max: 0x7e }).filter((unit) => unit !== 0x23) },
  { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
);
const MOUNT = '/gw/x%';
const mounted = fc.constantFrom('/gw/x%', '/gw/x%25', '/%67w/x%', '/gw%2Fx%', '/gw//x%', '/gw');
const path = fc.oneof(
  latin1(targetUnit, 20).map((rest) => `/${rest}`),
  fc.tuple(mounted, latin1(targetUnit, 10)).map((parts) => parts.join('')),
);
const target = fc.oneof(
  { weight: 6, arbitrary: path },
  {
    weight: 1,
    arbitrary: path.map((rest) => `http://me@other.example:81${rest}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('http://other.example', 'HTTP://other.example?q') },
);

/** Those that say how the connection and its framing go are the parser's, not the environ's. */
const FRAMING = /^(connection|transfer-encoding|content-length|expect|upgrade|keep-alive|host)$/i;
const name = fc.oneof(
  fc.constantFrom('Proxy', 'pROXY', 'X-A', 'x-a', 'X_A', 'Content_Type', 'Content-Type', 'Cookie'),
  fc.constantFrom('cookie', '__proto__', 'constructor', 'Server-Name', 'Script-Name', 'Https'),
  fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/).filter((token) => !FRAMING.test(token)),
);
const value = latin1(
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
    { weight: 2, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
    { weight: 1, arbitrary: fc.constant(9) },
  ),
  20,
).map((text) => `v${text}v`);

const request: fc.Arbitrary<Request> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND'),
  target,
  version: fc.constantFrom('1.0', '1.1'),
  fields: fc.array(fc.tuple(name, value), { maxLength: 8 }),
});

/** What must be in the environ of a request: the whole of it, but for what the server knows by itself. */
function model({ method, target, version, fields }: Request): Record<string, string> {
  const [, authority, rest] = /^[a-z]+:\/\/([^/?]*)(.*)$/i.exec(target) ?? [];
  const relative = rest ?? target;
  const [raw = '', ...query] = relative.split('?');
  const environ: Record<string, string> = {
    REQUEST_METHOD: method,
    SERVER_PROTOCOL: `HTTP/${version}`,
    REQUEST_URI: target,
    PATH_INFO: decode(raw === '' ? '/' : raw),
    QUERY_STRING: query.join('?'),
    CONTENT_TYPE: '',
  };
  for (const [name, value] of fields) {
    const upper = name.toUpperCase();
    if (name.includes('_') || upper === 'PROXY') continue;
    if (upper === 'CONTENT-TYPE') {
      environ.CONTENT_TYPE ||= value;
      continue;
    }
    const key = `HTTP_${upper.split('-').join('_')}`;
    const before = environ[key];
    environ[key] =
      before === undefined ? value : before + (upper === 'COOKIE' ? '; ' : ',') + value;
  }
  if (authority !== undefined) environ.HTTP_HOST = authority.replace(/^.*@/, '');
  return environ;
}

const decode = (path: string): string =>
  path.replace(/%([0-9a-f]{2})/gi, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

/** SCRIPT_NAME and PATH_INFO of a raw path under {@link MOUNT}; undefined outside of it. */
function mount(path: string): { SCRIPT_NAME: string; PATH_INFO: string } | undefined {
  const [, first = '', second = '', ...rest] = path.split('/');
  if (`/${decode(first)}/${decode(second)}` !== MOUNT) return undefined;
  if (/%2f/i.test(first + second)) return undefined;
  return { SCRIPT_NAME: MOUNT, PATH_INFO: decode(rest.map((segment) => `/${segment}`).join('')) };
}

let direct: RequestEnviron | undefined;
let gateway: Environ | undefined;
const listener = mountGateway(
  (environ, startResponse) => {
    gateway = environ;
    startResponse('200 OK', []);
    return [];
  },
  { scriptName: MOUNT },
);
const server = createServer((message, response) => {
  direct = getEnviron(message);
  listener(message, response);
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

/** Sends a request and waits until the server has closed; gives the status. */
async function send({ method, target, version, fields }: Request): Promise<number> {
  direct = undefined;
  gateway = undefined;
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1' });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `${method} ${target} HTTP/${version}\r\n${lines}Connection: close\r\n\r\n`;
  socket.write(head, 'latin1');
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'close');
  return Number(Buffer.concat(parts).toString('latin1').split(' ')[1]);
}

/** The names that are no header field's. */
const OWN =
  /^(REQUEST_METHOD|SCRIPT_NAME|PATH_INFO|QUERY_STRING|CONTENT_TYPE|CONTENT_LENGTH|SERVER_(NAME|PORT|PROTOCOL|SOFTWARE)|GATEWAY_INTERFACE|REQUEST_URI|REMOTE_(ADDR|PORT)|wsgi\.url_scheme|node\.request)$/;

it('makes the environ of any request that gets through the parser as the model does', async () => {
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(request, async (plan) => {
      const sent: Request = { ...plan, fields: [['Host', 'mine.example'], ...plan.fields] };
      const status = await send(sent);
      if (direct === undefined) {
        expect(status).toBe(400);
        return;
      }
      passed += 1;
      const { port } = server.address() as AddressInfo;
      const expected = { ...model(sent), HTTP_CONNECTION: 'close' };
      expect(direct).toMatchObject({
        ...expected,
        SCRIPT_NAME: '',
        SERVER_NAME: '127.0.0.1',
        SERVER_PORT: String(port),
        REMOTE_ADDR: '127.0.0.1',
        'wsgi.url_scheme': 'http',
      });
      for (const [key, value] of Object.entries(direct)) {
        if (!OWN.test(key)) expect(Object.keys(expected)).toContain(key);
        if (key !== 'node.request') expect(value).toMatch(/^[\0-\xff]*$/);
      }
      expect(direct).not.toHaveProperty('HTTP_PROXY');
      expect(Object.getPrototypeOf(direct)).toBe(Object.prototype);

      const path = /^(?:[a-z]+:\/\/[^/?]*)?([^?]*)/i.exec(sent.target)?.[1] ?? '';
      const place = mount(path);
      expect(status).toBe(place === undefined ? 404 : 200);
      if (place !== undefined) expect(gateway).toMatchObject({ ...expected, ...place });
    }),
    { numRuns, seed: 42 },
  );
  expect(passed).toBeGreaterThan(numRuns / 2);
}, 300_000);

it('makes the URI of an application as the model does, and no mount changes its host', () => {
  const unreserved = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-/';
  const quote = (path: string): string =>
    Array.from(Buffer.from(path, 'latin1'), (byte) => {
      const char = String.fromCharCode(byte);
      return unreserved.includes(char)
        ? char
        : `%${(byte < 16 ? '0' : '') + byte.toString(16).toUpperCase()}`;
    }).join('');
  const byte = fc.oneof(
    fc.constantFrom(...Buffer.from('/.@:%?#')),
    fc.integer({ max: 255, min: 0 }),
  );
  const environs = fc.record({
    'wsgi.url_scheme': fc.constantFrom('http' as const, 'https' as const),
    HTTP_HOST: fc.option(fc.constantFrom('a.example', 'a.example:81', '[::1]:8', ''), {
      nil: undefined,
    }),
    SERVER_NAME: fc.constantFrom('b.example', '[::1]', '127.0.0.1'),
    SERVER_PORT: fc.constantFrom('80', '443', '8080'),
    SCRIPT_NAME: latin1(byte, 12),
  });
  fc.assert(
    fc.property(environs, (environ) => {
      const {
        HTTP_HOST,
        SERVER_NAME,
        SERVER_PORT,
        SCRIPT_NAME,
        'wsgi.url_scheme': scheme,
      } = environ;
      const usual = scheme === 'https' ? '443' : '80';
      const host =
        HTTP_HOST || (SERVER_PORT === usual ? SERVER_NAME : `${SERVER_NAME}:${SERVER_PORT}`);
      const path = SCRIPT_NAME.startsWith('/') ? SCRIPT_NAME : `/${SCRIPT_NAME}`;
      const uri = applicationUri(environ as Partial<Environ>);
      expect(uri).toBe(`${scheme}://${host}${quote(path)}`);
      expect(new URL(uri).host).toBe(new URL(`${scheme}://${host}/`).host);
    }),
    { numRuns, seed: 42 },
  );
});
