/** Runs an {@link AppPlan} as an application, and keeps what it saw. */
import {
  type Application,
  type Environ,
  type ReadableFile,
  type ResponseBody,
  readChunks,
  type StartResponse,
  type Write,
} from '@wsgi/core';
import { type AppPlan, lengthAt, pattern, type Step } from './app.ts';

const PLANNED = 'torture: a planned error';

/** What one application has seen and done. */
export class Seen {
  calls = 0;
  /** Calls that have given a body, or an error. */
  returned = 0;
  /** Bodies given to the host. */
  bodies = 0;
  closes = 0;
  /** Whether its bodies have a `close()` at all. */
  wantsClose = false;
  /** Generators that were begun, and those of them that came to their `finally`. */
  begun = 0;
  ended = 0;
  input: Buffer[] = [];
  inputAtEnd = false;
  /** Promises of the contract that the application found broken. */
  broken: string[] = [];
  onHang: () => void = () => {};
}

export function play(plan: AppPlan, seen: Seen): Application {
  return (environ, startResponse) => {
    seen.calls += 1;
    const run = new Run(plan, seen, environ, startResponse);
    const returned = (): void => {
      seen.returned += 1;
    };
    if (plan.call === 'async') return run.callLater().finally(returned);
    try {
      return run.call();
    } finally {
      returned();
    }
  };
}

class Run {
  readonly #plan: AppPlan;
  readonly #seen: Seen;
  readonly #environ: Environ;
  readonly #startResponse: StartResponse;
  #write: Write | undefined;
  #place = 0;

  constructor(plan: AppPlan, seen: Seen, environ: Environ, startResponse: StartResponse) {
    this.#plan = plan;
    this.#seen = seen;
    this.#environ = environ;
    this.#startResponse = startResponse;
  }

  call(): ResponseBody {
    for (let index = 0; index < this.#plan.split; index += 1) this.#perform(index);
    return this.#body();
  }

  async callLater(): Promise<ResponseBody> {
    for (let index = 0; index < this.#plan.split; index += 1) await this.#perform(index);
    return this.#body();
  }

  /** A step that is no chunk; chunks are the body's. */
  #perform(index: number): void | Promise<void> {
    const step = this.#plan.steps[index];
    switch (step?.do) {
      case 'start':
        return this.#start(step, index);
      case 'write':
        return this.#send(step.size, step.awaited);
      case 'read':
        return this.#read(step.how, step.size);
      case 'pause':
        return new Promise((resolve) => setImmediate(resolve));
      case 'throw':
        throw step.what === 'Error'
          ? new Error(PLANNED)
          : step.what === 'string'
            ? PLANNED
            : undefined;
      case 'hang':
        return this.#hang(step.after);
    }
  }

  #start(step: Step & { do: 'start' }, index: number): void {
    const fields: Array<[string, string]> = [['X-Torture', 'yes']];
    const length = lengthAt(this.#plan, index);
    if (length !== undefined) fields.push(['Content-Length', String(length)]);
    if (step.fields === 'typed') fields.push(['Content-Type', 'text/plain']);
    if (step.fields === 'split') fields.push(['X-Split', 'a\r\nX-Injected: yes']);
    if (step.fields === 'hop') fields.push(['Connection', 'keep-alive']);
    if (step.fields === 'name') fields.push(['Bad Name', 'a']);
    const given = step.fields === 'none' ? (undefined as unknown as typeof fields) : fields;
    const excInfo = step.excInfo ? new Error(PLANNED) : undefined;
    this.#write = this.#startResponse(step.status, given, excInfo);
  }

  #send(size: number, awaited: boolean): void | Promise<void> {
    const wait = this.#write?.(this.#take(size));
    if (awaited) return wait;
  }

  #take(size: number): Buffer {
    const bytes = pattern(this.#place, size);
    this.#place += size;
    return bytes;
  }

  async #hang(after: 'returns' | 'reason' | 'throws'): Promise<void> {
    // A connection with bytes that nobody reads does not tell of its end: that holds for every host.
    await this.#read('chunks', 65_536);
    const signal = this.#environ['gateway.signal']();
    this.#seen.onHang();
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    if (after === 'reason') throw signal.reason;
    if (after === 'throws') throw new Error(PLANNED);
  }

  async #read(how: (Step & { do: 'read' })['how'], size: number): Promise<void> {
    const input = this.#environ['wsgi.input'];
    const { broken } = this.#seen;
    if (how === 'read') {
      const data = this.#got(await input.read(size));
      if (size < 0 || data.length < size) this.#seen.inputAtEnd = true;
      if (size >= 0 && data.length > size) broken.push(`read(${size}) gave ${data.length} bytes`);
    } else if (how === 'line') {
      const line = this.#got(await input.readline(size));
      this.#isLine(line, size);
      if (size !== 0 && line.length === 0) this.#seen.inputAtEnd = true;
    } else if (how === 'lines') {
      for (const line of await input.readlines(size)) this.#isLine(this.#got(line), -1);
    } else if (how === 'each') {
      for await (const line of input) this.#isLine(this.#got(line), -1);
      this.#seen.inputAtEnd = true;
    } else {
      for await (const chunk of readChunks(input, Math.max(1000, size))) this.#got(chunk);
      this.#seen.inputAtEnd = true;
    }
  }

  #got(data: Uint8Array): Buffer {
    // A copy: what the stream gave must not change later.
    const copy = Buffer.from(data);
    this.#seen.input.push(copy);
    return copy;
  }

  #isLine(line: Buffer, size: number): void {
    const newline = line.indexOf(10);
    if (newline >= 0 && newline < line.length - 1) this.#seen.broken.push('a line holds two');
    if (size >= 0 && line.length > size) this.#seen.broken.push('a line is too long');
  }

  #body(): ResponseBody {
    const { body } = this.#plan;
    this.#seen.bodies += 1;
    const close = this.#closing();
    if (body !== 'file' && body !== 'asyncFile') return Object.assign(this.#unclosed(), close);
    const FileWrapper = this.#environ['wsgi.file_wrapper'];
    return new FileWrapper({ ...this.#file(body), ...close });
  }

  /** The body's `close`, if it has one. */
  #closing(): { close?(): void | Promise<void> } {
    const { close } = this.#plan;
    if (close === 'none') return {};
    this.#seen.wantsClose = true;
    return {
      close: (): void | Promise<void> => {
        this.#seen.closes += 1;
        if (close === 'throws') throw new Error(PLANNED);
        if (close === 'rejects') return Promise.reject(new Error(PLANNED));
        if (close === 'async') return new Promise((resolve) => setImmediate(resolve));
      },
    };
  }

  #file(kind: 'file' | 'asyncFile'): ReadableFile {
    const bytes = Buffer.concat(this.#chunks());
    let place = 0;
    const read = (size: number): Buffer => {
      const block = bytes.subarray(place, place + size);
      place += block.length;
      return block;
    };
    if (kind === 'file') return { read, size: bytes.length };
    return { read: (size) => new Promise((resolve) => setImmediate(() => resolve(read(size)))) };
  }

  #chunks(): Uint8Array[] {
    return this.#plan.steps.flatMap((step) => this.#chunk(step) ?? []);
  }

  #unclosed(): ResponseBody {
    const { body, split } = this.#plan;
    if (body === 'array') return this.#chunks();
    if (body === 'generator') return this.#generate(split);
    if (body === 'asyncGenerator') return this.#generateLater(split);
    if (body === 'iterable') {
      const generator = this.#generate(split);
      return { [Symbol.iterator]: () => ({ next: () => generator.next() }) };
    }
    const generator = this.#generateLater(split);
    return { [Symbol.asyncIterator]: () => ({ next: () => generator.next() }) };
  }

  #chunk(step: Step | undefined): Uint8Array | undefined {
    if (step?.do === 'chunk') return this.#take(step.size);
    if (step?.do === 'text') return 'text' as unknown as Uint8Array;
    return undefined;
  }

  *#generate(from: number): Generator<Uint8Array, void, void> {
    this.#seen.begun += this.#counts;
    try {
      for (let index = from; index < this.#plan.steps.length; index += 1) {
        const chunk = this.#chunk(this.#plan.steps[index]);
        if (chunk === undefined) this.#perform(index);
        else yield chunk;
      }
    } finally {
      this.#seen.ended += this.#counts;
    }
  }

  async *#generateLater(from: number): AsyncGenerator<Uint8Array, void, void> {
    this.#seen.begun += this.#counts;
    try {
      for (let index = from; index < this.#plan.steps.length; index += 1) {
        const chunk = this.#chunk(this.#plan.steps[index]);
        if (chunk === undefined) await this.#perform(index);
        else yield chunk;
      }
    } finally {
      this.#seen.ended += this.#counts;
    }
  }

  /** Iterators without a `return()` cannot be told of their end, and are not counted. */
  get #counts(): number {
    return this.#plan.body.endsWith('enerator') ? 1 : 0;
  }
}
