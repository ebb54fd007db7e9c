import type { Application, ResponseBody } from '@wsgi/core';
import { decode, PLAIN, type Scenario, type ServerStep } from './scenario.ts';
import { ScriptedInput } from './scripted-input.ts';

/** The server of a scenario. */
export class ScriptedServer {
  readonly #scenario: Scenario;
  /** The chunks that it got. */
  readonly chunks: string[] = [];
  /** Whether a promise was met anywhere. */
  waited = false;
  #body: ResponseBody | undefined;
  #iterator: { next(): unknown; return?(): unknown } | undefined;
  #closed = false;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
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
    this.#iterator ??= iterate(known(this.#body));
    if (step === 'leave') return this.#wait(this.#iterator.return?.());
    let done: boolean | undefined;
    do {
      const next = (await this.#wait(this.#iterator.next())) as IteratorResult<Uint8Array>;
      done = next.done;
      if (!done) this.chunks.push(Buffer.from(next.value).toString('latin1'));
    } while (step === 'drain' && !done);
    return undefined;
  }

  #wait<T>(value: T): T | Promise<Awaited<T>> {
    if (value instanceof Promise) this.waited = true;
    return value;
  }
}

function iterate(body: ResponseBody): { next(): unknown; return?(): unknown } {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the scenario is out of order');
  return value;
}
