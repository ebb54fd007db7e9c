import type { Application } from '@wsgi/core';
import { expect, it } from 'vitest';
import { dial, serve, statuses } from './support.ts';

const fields = 'Host: a\r\nX-One: 1\r\nX-Two: 2\r\n';
const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\n${fields}${more}\r\n`;

/** Answers with its environ, but for the server's objects, in JSON and a line. */
const show: Application = (environ, startResponse) => {
  startResponse('200 OK', []);
  const shown = Object.entries(environ).filter(([, value]) => typeof value === 'string');
  return [Buffer.from(`${JSON.stringify(Object.fromEntries(shown))}\n`)];
};

async function environs(app: Application, requests: readonly string[]): Promise<unknown[]> {
  const client = await dial(await serve(app));
  const text = await client.send(requests.join('')).untilClosed();
  expect(statuses(text)).toHaveLength(requests.length);
  return Array.from(text.matchAll(/^\{.*\}$/gm), ([line]) => JSON.parse(line));
}

it('says of each request what is its own, where the header section repeats', async () => {
  const targets = ['/a', '/b?c', '/%41', '/d?e=f', 'http://other/g', '/h'];
  const requests = [...targets.map((target) => get(target)), get('/z', 'Connection: close\r\n')];
  const seen = await environs(show, requests);
  const common = { REQUEST_METHOD: 'GET', HTTP_X_ONE: '1', HTTP_X_TWO: '2' };
  expect(seen).toMatchObject([
    { ...common, PATH_INFO: '/a', QUERY_STRING: '', REQUEST_URI: '/a', HTTP_HOST: 'a' },
    { ...common, PATH_INFO: '/b', QUERY_STRING: 'c', REQUEST_URI: '/b?c', HTTP_HOST: 'a' },
    { ...common, PATH_INFO: '/A', QUERY_STRING: '', REQUEST_URI: '/%41', HTTP_HOST: 'a' },
    { ...common, PATH_INFO: '/d', QUERY_STRING: 'e=f', REQUEST_URI: '/d?e=f', HTTP_HOST: 'a' },
    { ...common, PATH_INFO: '/g', QUERY_STRING: '', HTTP_HOST: 'other' },
    { ...common, PATH_INFO: '/h', QUERY_STRING: '', REQUEST_URI: '/h', HTTP_HOST: 'a' },
    { ...common, PATH_INFO: '/z', HTTP_CONNECTION: 'close' },
  ]);
});

it('gives each request an environ of its own, where the header section repeats', async () => {
  const vandal: Application = (environ, startResponse) => {
    const body = show(environ, startResponse);
    for (const key of Object.keys(environ)) {
      if (key.startsWith('HTTP_')) delete environ[key];
      else if (typeof environ[key] === 'string') environ[key] = 'spoilt';
    }
    environ.HTTP_MINE = 'spoilt';
    return body;
  };
  const requests = [
    ...Array.from({ length: 5 }, () => get('/')),
    get('/', 'Connection: close\r\n'),
  ];
  const seen = await environs(vandal, requests);
  expect(seen.slice(1, 5)).toEqual(Array.from({ length: 4 }, () => seen[0]));
  expect(JSON.stringify(seen)).not.toContain('spoilt');
});
