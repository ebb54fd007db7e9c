/** The table once more, with a real handler as the server: it is never at fault, and reports who is. */
import { Readable } from 'node:stream';
import {
  type Application,
  BodyInput,
  type Environ,
  readChunks,
  SimpleHandler,
  setupTestingDefaults,
  TextErrors,
} from '@wsgi/core';
import { validator } from '@wsgi/core/validate';
import { describe, expect, it, vi } from 'vitest';
import { CASES } from './cases/index.ts';
import { validated } from './play.ts';
import { type Case, PLAIN, type Scenario } from './scenario.ts';
import { ScriptedApplication, variantsOf } from './scripted-application.ts';

const text: [string, string][] = [['Content-Type', 'text/plain']];

interface Served {
  response: string;
  reported: string;
  /** Whether the handler destroyed the connection. */
  aborted: boolean;
  /** Whether it had to wait for anything. */
  waited: boolean;
}

async function serve(
  app: Application,
  { environ = {}, input = '' }: Pick<Scenario, 'environ' | 'input'> = {},
): Promise<Served> {
  const served: Served = { response: '', reported: '', aborted: false, waited: false };
  const parts = [Buffer.from(input, 'latin1')];
  const handler = new SimpleHandler(
    new BodyInput({ pull: () => parts.shift() ?? null }),
    {
      write(data) {
        served.response += Buffer.from(data).toString('latin1');
      },
      destroy() {
        served.aborted = true;
      },
    },
    new TextErrors((message) => {
      served.reported += message;
    }),
    { ...PLAIN, ...environ },
  );
  const running = handler.run(app);
  served.waited = running !== undefined;
  await running;
  return served;
}

/** What an application can do wrong or right by itself, whatever its server is. */
function isApplications({ scenario, wrong, warns }: Case): boolean {
  const { server, without, arguments: count, writer, answers, environ = {} } = scenario;
  const special = server ?? without ?? count ?? writer ?? answers;
  if (special !== undefined || (wrong ?? warns)?.startsWith('server')) return false;
  return !Object.keys(environ).some((key) => key.startsWith('wsgi.'));
}

describe('Under a handler, the validator', () => {
  for (const row of CASES.filter(isApplications)) {
    for (const variant of variantsOf(row.scenario)) {
      it(`says: ${row.wrong ?? 'right'}: ${row.name} (${variant})`, async () => {
        const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
        const application = new ScriptedApplication(row.scenario);
        const served = await serve(validated(row.scenario, application, variant), row.scenario);
        const late: unknown[] = [];
        await application.runAll(row.scenario.after ?? []).catch((error) => late.push(error));
        emit.mockRestore();
        const said = `${served.reported}${late.join()}`;
        // What the application itself writes to wsgi.errors is there as well.
        if (row.wrong === undefined) expect(said).not.toContain('Error');
        else expect(said).toContain(`AssertionError [ERR_ASSERTION]: ${row.wrong}`);
        if (variant === 'synchronous') expect(served.waited).toBe(false);
        expect(application.closes).toBeLessThanOrEqual(1);
      });
    }
  }

  it('has a wrong application answered with 500, or its connection destroyed', async () => {
    const early = await serve(validator(() => []));
    expect(early.response).toMatch(/^HTTP\/1\.\d 500 /);
    const late = await serve(
      validator((_environ, startResponse) => {
        startResponse('200 OK', [...text, ['Content-Length', '5']]);
        return [Buffer.from('hell')];
      }),
    );
    expect(late.aborted).toBe(true);
    expect(late.reported).toContain('application: the body ended after 4 bytes');
  });

  it('lets HEAD be answered as GET is', async () => {
    const app = validator((_environ, startResponse) => {
      startResponse('200 OK', [...text]);
      return [Buffer.from('he'), Buffer.from('llo')];
    });
    const served = await serve(app, { environ: { REQUEST_METHOD: 'HEAD' } });
    expect(served.response).toMatch(/^HTTP\/1\.\d 200 OK\r\n.*\r\n\r\n$/s);
    expect(served.reported).toBe('');
  });

  it('lets a body be read as it comes', async () => {
    const order: string[] = [];
    const parts = ['abc', 'de'];
    const input = new BodyInput({
      pull() {
        order.push('asked');
        const part = parts.shift();
        return part === undefined ? null : Buffer.from(part);
      },
    });
    const app = validator(async (environ, startResponse) => {
      for await (const chunk of readChunks(environ['wsgi.input'])) {
        order.push(Buffer.from(chunk).toString());
      }
      startResponse('200 OK', [...text]);
      return [];
    });
    const environ: Partial<Environ> = { 'wsgi.input': input };
    setupTestingDefaults(environ);
    await app(environ, () => () => {});
    expect(order).toEqual(['asked', 'abc', 'asked', 'de', 'asked']);
  });

  it('finds a server that gives more of a body than readChunks asked for', async () => {
    const app = validator(async (environ) => {
      for await (const _ of readChunks(environ['wsgi.input'], 2));
      return [];
    });
    const environ: Partial<Environ> = {};
    setupTestingDefaults(environ);
    Reflect.set(environ['wsgi.input'], 'read1', async () => Buffer.from('abc'));
    await expect(app(environ, () => () => {})).rejects.toThrow(
      /^server: input\.read1\(2\) gave 3 bytes/,
    );
  });

  it('sees to the end of a stream that was never read', async () => {
    const stream = Readable.from([Buffer.from('never read')]);
    const app = validator((_environ, startResponse) => {
      startResponse('200 OK', [...text]);
      return stream;
    });
    const environ: Partial<Environ> = {};
    setupTestingDefaults(environ);
    const body = await app(environ, () => () => {});
    await body.close?.();
    expect(stream.destroyed).toBe(true);
  });
});

// What CPython's test_wsgiref.py says of the validator, in its IntegrationTests.
describe("As in CPython's own tests, an application inside the validator", () => {
  const http10 = { environ: { SERVER_PROTOCOL: 'HTTP/1.0' } };
  const date: [string, string] = ['Date', 'Wed, 24 Dec 2008 13:29:32 GMT'];

  it('has no Content-Length made up, since the server cannot see how long its body is', async () => {
    const hello: Application = (_environ, startResponse) => {
      startResponse('200 OK', [...text, date]);
      return [Buffer.from('Hello, world!')];
    };
    expect((await serve(hello, http10)).response).toContain('Content-Length: 13\r\n');
    const { response, reported } = await serve(validator(hello), http10);
    expect(response).not.toContain('Content-Length');
    expect(response).toMatch(/\r\n\r\nHello, world!$/);
    expect(reported).toBe('');
  });

  it('is answered for with the error page when its headers are no list', async () => {
    const app = validator((_environ, startResponse) => {
      Reflect.apply(startResponse, undefined, ['200 OK', 'Content-Type: text/plain']);
      return [];
    });
    const { response, reported } = await serve(app);
    expect(response).toMatch(/A server error occurred\. {2}Please contact the administrator\.$/);
    expect(reported).toContain(
      "AssertionError [ERR_ASSERTION]: application: the headers must be an array of [name, value] pairs, not 'Content-Type: text/plain'",
    );
  });

  it('may read without a size, unlike there', async () => {
    const app = validator(async (environ, startResponse) => {
      const body = await environ['wsgi.input'].read();
      startResponse('200 OK', [...text]);
      return [body];
    });
    const { response, reported } = await serve(app, { input: 'data' });
    expect(response).toContain('data');
    expect(reported).toBe('');
  });

  it('has its header fields and its bytes sent as they are', async () => {
    const app = validator((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8'], date]);
      return [Buffer.from('data')];
    });
    expect((await serve(app, http10)).response).toMatch(
      /^HTTP\/1\.0 200 OK\r\n(?:Server: [^\r]*\r\n)?Content-Type: text\/plain; charset=utf-8\r\nDate: Wed, 24 Dec 2008 13:29:32 GMT\r\n\r\ndata$/,
    );
  });

  it('sees a path of bytes as code units', async () => {
    const app = validator((environ, startResponse) => {
      startResponse('200 OK', [...text]);
      return [Buffer.from(environ.PATH_INFO, 'latin1')];
    });
    const { response } = await serve(app, {
      environ: { ...http10.environ, PATH_INFO: '/\x80\x80' },
    });
    expect(response).toMatch(/\r\n\r\n\/\x80\x80$/);
  });
});
