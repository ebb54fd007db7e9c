import { inspect } from 'node:util';
import type { Environ, StartResponse, Write } from '@wsgi/core';
import { decode, type Scenario, type Step, type Value } from './scenario.ts';

/**
 * How the application answers: at once; with a promise of a synchronous body; with a body that is asynchronous; or
 * with a promise of one.
 */
const VARIANTS = ['synchronous', 'promised', 'asynchronous', 'promised asynchronous'] as const;
export type Variant = (typeof VARIANTS)[number];

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

/** The application of a scenario. */
export class ScriptedApplication {
  readonly #scenario: Scenario;
  /** How often the body's `close` was called. */
  closes = 0;
  #environ: Environ | undefined;
  /** Kept as an application keeps it that reads too late: in the environ it is put back. */
  #input: Environ['wsgi.input'] | undefined;
  #startResponse: StartResponse | undefined;
  #write: Write | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  in(variant: Variant): (environ: Environ, startResponse: StartResponse) => never {
    const asynchronous = variant.endsWith('asynchronous');
    const call = (environ: Environ, startResponse: StartResponse): unknown => {
      this.#environ = environ;
      this.#input = environ['wsgi.input'];
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
      this.closes++;
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
    const given = stream === 'input' ? this.#input : known(this.#environ)['wsgi.errors'];
    const object: Record<string, unknown> = Object(given);
    const callable = object[String(method)];
    if (typeof callable !== 'function') throw new Error(`wsgi.${stream} has no ${method}`);
    return Reflect.apply(callable, object, args);
  }

  async #iterate(): Promise<void> {
    for await (const _ of known(this.#input));
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

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the scenario is out of order');
  return value;
}
