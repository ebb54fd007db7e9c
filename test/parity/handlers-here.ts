/** The scenarios of handlers-scenarios.ts, played by the handlers here. */
import {
  type Application,
  BaseCGIHandler,
  BodyInput,
  emptySource,
  type ResponseBody,
  SimpleHandler,
  type StartResponse,
  TextErrors,
  type Write,
} from '@wsgi/core';
import type { BodyStep, Chunk, Scenario, Step } from './handlers-scenarios.ts';

export interface Played {
  /** What went to the client. */
  out: string;
  /** How often the body was closed. */
  closed: number;
  /** Whether an error was reported. */
  reported: boolean;
}

/** Plays a scenario; `aborted` says whether the connection was destroyed. */
export function playHere(scenario: Scenario): Played & { aborted: boolean } {
  const stage = new Stage(scenario);
  const running = stage.handler.run(stage.application);
  if (running !== undefined) throw new Error('a synchronous application was not run synchronously');
  return stage.outcome();
}

/** {@link playHere} with a promised body, whose chunks are promised. */
export async function playHereLater(scenario: Scenario): Promise<Played & { aborted: boolean }> {
  const stage = new Stage(scenario);
  await stage.handler.run(async (environ, startResponse) => {
    const body = stage.application(environ, startResponse);
    if (body instanceof Promise || Array.isArray(body) || typeof body !== 'object') return body;
    if (body === null || !(Symbol.iterator in body)) return body;
    const { [Symbol.iterator]: iterate } = body;
    return {
      async *[Symbol.asyncIterator]() {
        yield* { [Symbol.iterator]: iterate };
      },
      close: async () => body.close?.(),
    };
  });
  return stage.outcome();
}

class Stage {
  readonly handler: SimpleHandler;
  readonly #scenario: Scenario;
  #out = '';
  #closed = 0;
  #errors = '';
  #aborted = false;
  #startResponse: StartResponse | undefined;
  #write: Write | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const { cgi, method, protocol, httpVersion, serverSoftware } = scenario;
    const stdout = {
      write: (data: Uint8Array) => {
        this.#out += Buffer.from(data).toString('latin1');
      },
      destroy: () => {
        this.#aborted = true;
      },
    };
    const environ = {
      REQUEST_METHOD: method,
      SERVER_PROTOCOL: protocol,
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: '80',
    };
    const errors = new TextErrors((text) => {
      this.#errors += text;
    });
    const Handler = cgi ? BaseCGIHandler : SimpleHandler;
    this.handler = new Handler(new BodyInput(emptySource), stdout, errors, environ);
    this.handler.httpVersion = httpVersion;
    this.handler.serverSoftware = serverSoftware ?? undefined;
  }

  outcome(): Played & { aborted: boolean } {
    return {
      out: this.#out,
      closed: this.#closed,
      reported: this.#errors !== '',
      aborted: this.#aborted,
    };
  }

  readonly application: Application = (_environ, startResponse) => {
    this.#startResponse = startResponse;
    for (const step of this.#scenario.call) this.#perform(step);
    const close = () => {
      this.#closed += 1;
    };
    const { body } = this.#scenario;
    if ('list' in body) return Object.assign(body.list.map(chunk), { close });
    if ('iterator' in body) {
      return { [Symbol.iterator]: () => this.#steps(body.iterator), close };
    }
    // The types would not let an application return it.
    return body.other as unknown as ResponseBody;
  };

  *#steps(steps: BodyStep[]): Generator<Uint8Array> {
    for (const step of steps) {
      if ('chunk' in step) yield chunk(step.chunk);
      else this.#perform(step);
    }
  }

  #perform(step: Step): void {
    if ('start' in step) {
      const [status, headers, caught] = step.start;
      this.#write = this.#startResponse?.(
        status,
        headers,
        caught ? new Error('caught') : undefined,
      );
    } else if ('write' in step) {
      this.#write?.(chunk(step.write));
    } else if ('try' in step) {
      try {
        this.#perform(step.try);
      } catch {}
    } else {
      throw new Error('raised');
    }
  }
}

function chunk(item: Chunk): Uint8Array {
  if (typeof item === 'string') return Buffer.from(item, 'latin1');
  // A text, where the types want bytes.
  return item.text as unknown as Uint8Array;
}
