/** Plays a scenario: an application and a server made of data, with the validator between them. */
import { inspect } from 'node:util';
import type { Application, Environ, ResponseBody, StartResponse, Write } from '@wsgi/core';
import { validator, type WSGIWarning } from '@wsgi/core/validate';
import { vi } from 'vitest';
import { PLAIN, type Scenario, type ServerStep, type Step, type Value } from './scenario.ts';
import { ScriptedInput } from './scripted-input.ts';

/**
 * How the application answers: at once; with a promise of a synchronous body; with a body that is asynchronous; or
 * with a promise of one.
 */
export const VARIANTS = [
  'synchronous',
  'promised',
  'asynchronous',
  'promised asynchronous',
] as const;
export type Variant = (typeof VARIANTS)[number];

export interface Verdict {
  /** What was thrown first, to whom does not matter. */
  error: unknown;
  warnings: WSGIWarning[];
  /** The chunks that the server got. */
  chunks: string[];
  closes: number;
  /** Whether a promise was met anywhere. */
  waited: boolean;
}

/** The ways in which a scenario can be played: reading input always waits. */
export function variantsOf(scenario: Scenario): Variant[] {
  const generator = 'generator' in scenario.body ? scenario.body.generator : [];
  return VARIANTS.filter(
    (variant) =>
      (variant.startsWith('promised') || !reads(scenario.call)) &&
      (variant.endsWith('asynchronous') || !reads(generator)),
  );
}

function reads(steps: Step[]): boolean {
  return /"(iterate )?input"/.test(JSON.stringify(steps));
}

export async function play(scenario: Scenario, variant: Variant): Promise<Verdict> {
  const verdict: Verdict = { error: undefined, warnings: [], chunks: [], closes: 0, waited: false };
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    verdict.warnings.push(warning as WSGIWarning);
  });
  const application = new ScriptedApplication(scenario, verdict);
  const server = new ScriptedServer(scenario, verdict);
  try {
    const app = validator(application.in(variant));
    await server.serve(scenario.middleware ? validator(collecting(app)) : app);
    await application.runAll(scenario.after ?? []);
  } catch (error) {
    verdict.error = error;
  } finally {
    await server.end();
    emit.mockRestore();
  }
  return verdict;
}

class ScriptedApplication {
  readonly #scenario: Scenario;
  readonly #verdict: Verdict;
  #environ: Environ | undefined;
  #startResponse: StartResponse | undefined;
  #write: Write | undefined;

  constructor(scenario: Scenario, verdict: Verdict) {
    this.#scenario = scenario;
    this.#verdict = verdict;
  }

  in(variant: Variant): (environ: Environ, startResponse: StartResponse) => never {
    const asynchronous = variant.endsWith('asynchronous');
    const call = (environ: Environ, startResponse: StartResponse): unknown => {
      this.#environ = environ;
      this.#startResponse = startResponse;
      if (variant.startsWith('promised')) {
        return this.runAll(this.#scenario.call).then(() => this.#body(asynchronous));
      }
      for (const step of this.#scenario.call) this.#run(step);
      return this.#body(asynchronous);
    };
    // What it returns is wrong on purpose now and then.
    return call as (environ: Environ, startResponse: StartResponse) => never;
  }

  async runAll(steps: Step[]): Promise<void> {
    for (const step of steps) await this.#run(step);
  }

  #body(asynchronous: boolean): unknown {
    const { body, close } = this.#scenario;
    if ('value' in body) return decode(body.value);
    const chunks = asynchronous
      ? this.#slowChunks()
      : 'list' in body
        ? body.list.map(decode)
        : this.#chunks();
    return close === undefined ? chunks : Object.assign(chunks, { close: this.#close(close) });
  }

  #close(close: 'method' | 'throws' | { value: Value }): unknown {
    if (typeof close === 'object') return decode(close.value);
    return () => {
      this.#verdict.closes++;
      if (close === 'throws') throw new Error('close threw');
    };
  }

  *#chunks(): Generator<unknown> {
    for (const step of this.#steps()) {
      if (step[0] === 'yield') yield decode(step[1]);
      else this.#run(step);
    }
  }

  async *#slowChunks(): AsyncGenerator<unknown> {
    for (const step of this.#steps()) {
      if (step[0] === 'yield') yield decode(step[1]);
      else await this.#run(step);
    }
  }

  #steps(): Step[] {
    const { body } = this.#scenario;
    if ('generator' in body) return body.generator;
    return 'list' in body ? body.list.map((chunk): Step => ['yield', chunk]) : [];
  }

  // Undefined, or a promise where the step waits.
  #run(step: Step): unknown {
    const [name, ...args] = step;
    const given = args.map((arg) => decode(arg as Value));
    switch (name) {
      case 'start':
        this.#write = Reflect.apply(known(this.#startResponse), undefined, given);
        return undefined;
      case 'write':
        return Reflect.apply(known(this.#write), undefined, given);
      case 'input':
      case 'errors':
        return this.#call(name, given);
      case 'iterate input':
        return this.#iterate();
      case 'throw':
        throw new Error(String(args[0]));
      case 'try':
        return this.#attempt(step[1] as Step);
      default:
        throw new Error(`no such step: ${inspect(step)}`);
    }
  }

  #call(stream: 'input' | 'errors', [method, ...args]: unknown[]): unknown {
    const object: Record<string, unknown> = Object(known(this.#environ)[`wsgi.${stream}`]);
    const callable = object[String(method)];
    if (typeof callable !== 'function') throw new Error(`wsgi.${stream} has no ${method}`);
    return Reflect.apply(callable, object, args);
  }

  async #iterate(): Promise<void> {
    for await (const _ of known(this.#environ)['wsgi.input']);
  }

  #attempt(step: Step): unknown {
    try {
      const result = this.#run(step);
      return result instanceof Promise ? result.catch(() => {}) : result;
    } catch {
      return undefined;
    }
  }
}

class ScriptedServer {
  readonly #scenario: Scenario;
  readonly #verdict: Verdict;
  #body: ResponseBody | undefined;
  #chunks: { next(): unknown; return?(): unknown } | undefined;
  #closed = false;

  constructor(scenario: Scenario, verdict: Verdict) {
    this.#scenario = scenario;
    this.#verdict = verdict;
  }

  async serve(app: Application): Promise<void> {
    const { writer } = this.#scenario;
    const startResponse = () => (writer === undefined ? () => {} : decode(writer));
    const args = [this.#environ(), startResponse, 'one more'];
    const count = this.#scenario.arguments ?? 2;
    this.#body = await this.#wait(Reflect.apply(app, undefined, args.slice(0, count)));
    for (const step of this.#scenario.server ?? ['drain', 'close']) await this.#do(step);
  }

  /** Closes what the script left open, so that nothing is found unclosed later. */
  async end(): Promise<void> {
    if (this.#closed || !this.#body) return;
    try {
      await this.#body.close?.();
    } catch {}
  }

  #environ(): unknown {
    const { environ, without = [], input = '', answers } = this.#scenario;
    const errors = { write() {}, writelines() {}, flush() {} };
    const made: Record<string, unknown> = {
      'wsgi.input': new ScriptedInput(
        input,
        answers === undefined ? undefined : { value: decode(answers) },
      ),
      'wsgi.errors': errors,
    };
    for (const [key, value] of Object.entries({ ...PLAIN, ...environ })) made[key] = decode(value);
    for (const key of without) delete made[key];
    return made;
  }

  async #do(step: ServerStep): Promise<unknown> {
    if (step === 'close') {
      this.#closed = true;
      return this.#wait(this.#body?.close?.());
    }
    this.#chunks ??= iterate(known(this.#body));
    if (step === 'leave') return this.#wait(this.#chunks.return?.());
    let done: boolean | undefined;
    do {
      const next = (await this.#wait(this.#chunks.next())) as IteratorResult<Uint8Array>;
      done = next.done;
      if (!done) this.#verdict.chunks.push(Buffer.from(next.value).toString('latin1'));
    } while (step === 'drain' && !done);
    return undefined;
  }

  #wait<T>(value: T): T | Promise<Awaited<T>> {
    if (value instanceof Promise) this.#verdict.waited = true;
    return value;
  }
}

/** Middleware that yields nothing until it has all. */
function collecting(app: Application): Application {
  return (environ, startResponse) => {
    const answer = app(environ, startResponse);
    if (answer instanceof Promise) return answer.then(collect);
    return collect(answer);
  };
}

function collect(body: ResponseBody): ResponseBody {
  if (Symbol.asyncIterator in body) return collectLater(body);
  return (function* () {
    try {
      yield Buffer.concat(Array.from(body));
    } finally {
      body.close?.();
    }
  })();
}

async function* collectLater(body: ResponseBody): AsyncGenerator<Uint8Array> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    yield Buffer.concat(chunks);
  } finally {
    await body.close?.();
  }
}

function iterate(body: ResponseBody): { next(): unknown; return?(): unknown } {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the scenario is out of order');
  return value;
}

function decode(value: Value): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value) return Buffer.from(value.bytes, 'latin1');
  if ('iterator' in value) return value.iterator.map(decode).values();
  if ('caught' in value) return new Error(value.caught);
  return {};
}
