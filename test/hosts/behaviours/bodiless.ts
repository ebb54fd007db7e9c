import type { Application, HeaderList } from '@wsgi/core';
import { expect } from 'vitest';
import type { ClientResponse, RequestSpec } from '../client/index.ts';
import type { Behaviour, Stage } from '../stage.ts';
import { bytes, text } from './apps.ts';

/** Answers `path` in its own way and everything else with `next`, to see that the connection is in step. */
async function thenNext(
  stage: Stage,
  app: Application,
  spec: RequestSpec,
): Promise<{ response: ClientResponse; reported: string }> {
  const mounted = await stage.mount(
    (environ, startResponse) => {
      if (environ.PATH_INFO !== '/next') return app(environ, startResponse);
      startResponse('200 OK', [...text]);
      return [bytes('next')];
    },
    {
      unwrapped: 'a body where none may be: the host drops it, the validator reports it',
    },
  );
  const connection = await mounted.connect();
  const response = await connection.start(spec).response;
  const again = connection.closed ? await mounted.connect() : connection;
  expect((await again.start({ target: '/next' }).response).text).toBe('next');
  return { response, reported: mounted.reported() };
}

const status =
  (line: string, headers: HeaderList, ...chunks: string[]): Application =>
  (_environ, startResponse) => {
    startResponse(line, headers);
    return chunks.map(bytes);
  };

/** The endless body is closed without being drained. */
const endless = (name: string, line: string, method: string): Behaviour => ({
  name,
  async run(stage) {
    let asked = 0;
    let closed = 0;
    const { response } = await thenNext(
      stage,
      (_environ, startResponse) => {
        startResponse(line, line.startsWith('2') && line !== '204 No Content' ? [...text] : []);
        return {
          [Symbol.iterator]: () => ({
            next: (): IteratorResult<Uint8Array> => {
              if (++asked > 1000) throw new Error('drained');
              return { value: bytes('x'.repeat(1000)) };
            },
          }),
          close: () => {
            closed++;
          },
        };
      },
      { method },
    );
    expect([response.status, response.body.length, response.complete]).toEqual([
      Number(line.slice(0, 3)),
      0,
      true,
    ]);
    expect(asked).toBeLessThan(3);
    expect(closed).toBe(1);
  },
});

export const bodiless: Behaviour[] = [
  {
    name: 'HEAD sends no body and keeps the headers',
    async run(stage) {
      const headers: HeaderList = [...text, ['Content-Length', '12345'], ['X-A', 'b']];
      const { response, reported } = await thenNext(stage, status('200 OK', headers), {
        method: 'HEAD',
      });
      expect([response.status, response.body.length, response.complete]).toEqual([200, 0, true]);
      expect(response.header('content-length')).toBe('12345');
      expect(response.header('x-a')).toBe('b');
      expect(reported).toBe('');
    },
  },
  {
    name: 'HEAD of a body with its length: the length is told, the body is not',
    async run(stage) {
      const headers: HeaderList = [...text, ['Content-Length', '5']];
      const { response, reported } = await thenNext(stage, status('200 OK', headers, 'hello'), {
        method: 'HEAD',
      });
      expect([response.header('content-length'), response.body.length]).toEqual(['5', 0]);
      expect(reported).toBe('');
    },
  },
  {
    name: 'HEAD of an array tells the length that GET would have',
    async run(stage) {
      const { response } = await thenNext(stage, status('200 OK', [...text], 'hel', 'lo'), {
        method: 'HEAD',
      });
      expect([response.header('content-length'), response.body.length]).toEqual(['5', 0]);
    },
  },
  {
    name: 'HEAD of what was written sends none of it',
    async run(stage) {
      const { response } = await thenNext(
        stage,
        (_environ, startResponse) => {
          startResponse('200 OK', [...text])(bytes('written'));
          return [bytes('returned')];
        },
        { method: 'HEAD' },
      );
      expect([response.status, response.body.length, response.complete]).toEqual([200, 0, true]);
    },
  },
  {
    name: 'HEAD of an empty body does not invent a length of 0',
    async run(stage) {
      const { response } = await thenNext(
        stage,
        function* (_environ, startResponse) {
          startResponse('200 OK', [...text]);
          yield bytes('');
        },
        { method: 'HEAD' },
      );
      expect(response.header('content-length')).toBeUndefined();
    },
  },
  {
    name: 'whether there is a body is for the method that the client sent, not for what REQUEST_METHOD was made',
    async run(stage) {
      const lone: Application = function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        yield bytes('hello');
      };
      for (const app of [status('200 OK', [...text], 'hello'), lone]) {
        for (const [sent, made, body] of [
          ['HEAD', 'GET', ''],
          ['POST', 'HEAD', 'hello'],
        ] as const) {
          const overriding: Application = (environ, startResponse) => {
            environ.REQUEST_METHOD = made;
            return app(environ, startResponse);
          };
          const { response } = await thenNext(stage, overriding, { method: sent });
          expect([response.status, response.text, response.complete]).toEqual([200, body, true]);
        }
      }
    },
  },
  {
    name: 'whether there is a body is not for the option environ to say',
    async run(stage) {
      const mounted = await stage.mount(status('200 OK', [...text], 'hello'), {
        environ: { REQUEST_METHOD: 'HEAD' },
        unwrapped: 'the validator knows the method from the environ alone',
      });
      const response = await mounted.fetch();
      expect([response.status, response.text, response.complete]).toEqual([200, 'hello', true]);
    },
  },
  {
    name: 'how a body is delimited is for the protocol that the client speaks, not for what SERVER_PROTOCOL was made',
    async run(stage) {
      for (const protocol of ['HTTP/0.9', 'HTTP/1.0', 'HTTP/1.1']) {
        for (const oldest of [true, false]) {
          const app: Application = function* (environ, startResponse) {
            environ.SERVER_PROTOCOL = protocol;
            startResponse('200 OK', [...text]);
            yield bytes('hel');
            yield bytes('lo');
          };
          const { response } = await thenNext(stage, app, { oldest });
          expect([response.status, response.text, response.complete]).toEqual([200, 'hello', true]);
          if (oldest) expect(response.header('transfer-encoding')).toBeUndefined();
        }
      }
    },
  },
  {
    name: 'how a body is delimited is not for the option environ to say',
    async run(stage) {
      for (const [protocol, oldest] of [
        ['HTTP/1.1', true],
        ['HTTP/1.0', false],
      ] as const) {
        const app: Application = function* (_environ, startResponse) {
          startResponse('200 OK', [...text]);
          yield bytes('hel');
          yield bytes('lo');
        };
        const mounted = await stage.mount(app, { environ: { SERVER_PROTOCOL: protocol } });
        const response = await mounted.fetch({ oldest });
        expect([response.status, response.text, response.complete]).toEqual([200, 'hello', true]);
        if (oldest) expect(response.header('transfer-encoding')).toBeUndefined();
      }
    },
  },
  {
    name: 'a body has its end where the application has emptied its environ',
    async run(stage) {
      const app: Application = function* (environ, startResponse) {
        for (const key of Object.keys(environ)) Reflect.deleteProperty(environ, key);
        startResponse('200 OK', [...text]);
        yield bytes('hel');
        yield bytes('lo');
      };
      const { response } = await thenNext(stage, app, {});
      expect([response.status, response.text, response.complete]).toEqual([200, 'hello', true]);
    },
  },
  endless('HEAD closes an endless body without draining it', '200 OK', 'HEAD'),
  endless('204 closes an endless body without draining it', '204 No Content', 'GET'),
  endless('304 closes an endless body without draining it', '304 Not Modified', 'GET'),
  {
    name: '204 sends neither body nor Content-Length',
    async run(stage) {
      for (const chunks of [[], ['dropped']]) {
        const app = status('204 No Content', [['X-A', 'b']], ...chunks);
        const { response } = await thenNext(stage, app, { method: 'DELETE' });
        expect([response.status, response.body.length, response.complete]).toEqual([204, 0, true]);
        expect(response.header('content-length')).toBeUndefined();
        expect(response.header('transfer-encoding')).toBeUndefined();
        expect(response.header('x-a')).toBe('b');
      }
    },
  },
  {
    name: '205 sends no body and says so, since its length is not known by its status',
    async run(stage) {
      const long: HeaderList = [...text, ['Content-Length', '7']];
      const answers = [
        status('205 Reset Content', [...text]),
        status('205 Reset Content', [...text], 'dropped'),
        status('205 Reset Content', long, 'dropped'),
        async function* (_environ, startResponse) {
          startResponse('205 Reset Content', [...text]);
          yield bytes('drop');
          yield bytes('ped');
        } satisfies Application,
      ];
      for (const app of answers) {
        for (const method of ['POST', 'HEAD']) {
          const { response, reported } = await thenNext(stage, app, { method });
          expect([response.status, response.body.length, response.complete]).toEqual([
            205,
            0,
            true,
          ]);
          expect(response.header('content-length')).toBe('0');
          expect(response.header('transfer-encoding')).toBeUndefined();
          expect(reported).toBe('');
        }
      }
    },
  },
  endless('205 closes an endless body without draining it', '205 Reset Content', 'POST'),
  {
    name: '304 invents no Content-Length',
    async run(stage) {
      const app = status('304 Not Modified', [['ETag', '"v1"']], 'dropped');
      const { response } = await thenNext(stage, app, {});
      expect([response.status, response.body.length, response.complete]).toEqual([304, 0, true]);
      expect(response.header('content-length')).toBeUndefined();
    },
  },
  {
    name: '304 sends no body and keeps the headers',
    async run(stage) {
      const headers: HeaderList = [
        ['ETag', '"v1"'],
        ['Content-Length', '12345'],
      ];
      const { response, reported } = await thenNext(stage, status('304 Not Modified', headers), {});
      expect([response.status, response.body.length, response.complete]).toEqual([304, 0, true]);
      expect(response.header('etag')).toBe('"v1"');
      expect(response.header('content-length')).toBe('12345');
      expect(response.header('transfer-encoding')).toBeUndefined();
      expect(reported).toBe('');
    },
  },
];
