/** What must follow from an application, said a second time and without a gateway: SPEC.md, sections 3, 4 and 6. */
import { type AppPlan, lengthAt, type Step } from './app.ts';

export interface Outcome {
  status: number;
  /** The bytes of the body, of the pattern; undefined for an error page, whose text is the host's. */
  bytes: number | undefined;
  /**
   * Whether a client can tell that it has all: `maybe` where an application fails after the last byte that it had
   * promised.
   */
  complete: 'yes' | 'no' | 'maybe';
  /** How many errors are reported on `wsgi.errors`. */
  reports: number;
  /** How many more may be: of what a body still gives when nothing more of it is wanted. */
  mayReport: number;
  /** It waits for the client to go. */
  hangs: boolean;
}

/** Thrown inside the model, where the application or the gateway throws. */
class Failure extends Error {}
class Hang extends Error {}

const RIGHT_STATUS = /^[2-5]\d\d [^\r\n]*$/;

/** @param goes - whether the client goes when it has all, though its application may go on. */
export function expected(plan: AppPlan, method: string, goes: boolean): Outcome {
  return new Model(plan, method, goes).outcome();
}

class Model {
  readonly #plan: AppPlan;
  readonly #method: string;
  readonly #goes: boolean;
  #status: string | undefined;
  #length: number | undefined;
  #headersSent = false;
  #wanted = true;
  #sent = 0;
  #reports = 0;
  #mayReport = 0;
  /** The application has waited since its client had all. */
  #mayBeGone = false;
  /** The application has returned a body, which is closed. */
  #returned = false;

  constructor(plan: AppPlan, method: string, goes: boolean) {
    this.#plan = plan;
    this.#method = method;
    this.#goes = goes;
  }

  outcome(): Outcome {
    try {
      this.#run();
      return this.#end('yes');
    } catch (error) {
      // What it throws when the client has gone is its own error; and its body is closed after all.
      if (error instanceof Hang) return { ...this.#end('no', 2), hangs: true };
      if (!(error instanceof Failure)) throw error;
      const outcome = this.#end('no', 1);
      return this.#headersSent
        ? outcome
        : { ...outcome, status: 500, bytes: undefined, complete: 'yes' };
    }
  }

  #end(complete: 'yes' | 'no', failures = 0): Outcome {
    const { close } = this.#plan;
    const closing = this.#returned && (close === 'throws' || close === 'rejects') ? 1 : 0;
    return {
      status: Number(this.#status?.slice(0, 3)),
      bytes: this.#sent,
      complete: complete === 'no' && this.#isWhole ? 'maybe' : complete,
      reports: this.#reports + failures + closing - this.#mayReport,
      mayReport: this.#mayReport,
      hangs: false,
    };
  }

  /** Whether the client has all that it was promised. */
  get #isWhole(): boolean {
    return this.#headersSent && (this.#bodiless || this.#sent === this.#length);
  }

  /** What goes wrong now is no error of an application whose client may have gone. */
  #excuse(): void {
    if (this.#mayBeGone) this.#mayReport = 1;
  }

  get #bodiless(): boolean {
    return this.#method === 'HEAD' || /^(20[45]|304)/.test(this.#status ?? '');
  }

  #run(): void {
    const { steps, split, body } = this.#plan;
    for (let index = 0; index < split; index += 1) this.#step(index);
    this.#returned = true;
    if (body === 'array')
      this.#array(steps.filter(({ do: what }) => what === 'chunk' || what === 'text'));
    else if (body === 'file' || body === 'asyncFile') this.#file(body === 'file');
    else this.#iterate(split);
    this.#finish();
  }

  /** Only where a chunk is handed over can a body be stopped. */
  #iterate(from: number): void {
    const { steps } = this.#plan;
    let stopped = !this.#wanted;
    for (let index = from; index < steps.length && !stopped; index += 1) {
      this.#step(index);
      stopped = steps[index]?.do === 'chunk' && !this.#wanted;
    }
  }

  /** An array is sent after all that was written. */
  #array(chunks: readonly Step[]): void {
    let size = 0;
    for (const chunk of chunks) if (chunk.do === 'chunk') size += chunk.size;
    for (const chunk of chunks) {
      if (!this.#wanted) return;
      if (chunk.do !== 'chunk') throw new Failure();
      if (chunk.size === 0) continue;
      if (this.#isCounted) {
        if (chunks.some(({ do: what }) => what === 'text')) throw new Failure();
        this.#length = size;
      }
      this.#emit(chunk.size);
    }
  }

  /** A file is sent after all that was written; what it says of its size is its length. */
  #file(tellsSize: boolean): void {
    let size = 0;
    for (const step of this.#plan.steps) if (step.do === 'chunk') size += step.size;
    if (size === 0 || !this.#wanted) return;
    if (tellsSize && this.#isCounted) this.#length = size;
    this.#emit(size);
  }

  /** Whether the gateway says how long a body is that it knows. */
  get #isCounted(): boolean {
    if (this.#status === undefined || this.#headersSent || this.#length !== undefined) return false;
    return !/^(20[45]|304)/.test(this.#status);
  }

  #step(index: number): void {
    const step = this.#plan.steps[index];
    const inCall = index < this.#plan.split;
    const waits = step?.do === 'pause' || step?.do === 'read';
    if (waits && this.#goes && this.#isWhole) this.#mayBeGone = true;
    if (step?.do === 'start') this.#start(step, lengthAt(this.#plan, index));
    if (step?.do === 'write' && this.#status !== undefined) this.#emit(step.size);
    // What is handed over in the call is held until the body's turn comes.
    if (step?.do === 'chunk' && !inCall) this.#emit(step.size);
    if (step?.do === 'text' && !inCall && (!this.#wanted || this.#mayBeGone)) this.#mayReport = 1;
    if (step?.do === 'throw' || (step?.do === 'text' && !inCall)) throw new Failure();
    if (step?.do === 'hang') throw new Hang();
  }

  #start(step: Step & { do: 'start' }, length: number | undefined): void {
    const good = step.fields === 'good' || step.fields === 'typed';
    if (!RIGHT_STATUS.test(step.status) || !good) throw new Failure();
    if (step.excInfo ? this.#headersSent : this.#status !== undefined) {
      this.#excuse();
      throw new Failure();
    }
    this.#status = step.status;
    this.#length = step.status.startsWith('204') ? undefined : length;
  }

  #emit(size: number): void {
    if (size === 0) return;
    if (this.#status === undefined) throw new Failure();
    this.#headersSent = true;
    if (this.#bodiless) {
      this.#wanted = false;
      return;
    }
    const room = (this.#length ?? Number.POSITIVE_INFINITY) - this.#sent;
    if (room === 0 && this.#wanted) this.#excuse();
    this.#sent += Math.min(size, room);
    if (size <= room) return;
    if (this.#wanted) this.#reports += 1;
    this.#wanted = false;
  }

  #finish(): void {
    if (this.#status === undefined) throw new Failure();
    if (this.#bodiless) return;
    this.#length ??= this.#headersSent ? undefined : 0;
    this.#headersSent = true;
    if (this.#length !== undefined && this.#sent < this.#length) throw new Failure();
  }
}
