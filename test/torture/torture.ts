/** Plays generated pairs of application and client against one host, and checks what must hold. */
import assert from 'node:assert/strict';
import type { Application } from '@wsgi/core';
import { type ClientResponse, connect } from '../hosts/client/index.ts';
import type { Host, Served } from '../hosts/stage.ts';
import { pattern } from './app.ts';
import {
  bodySize,
  type ClientPlan,
  type Experience,
  playHttp1,
  type RequestPlan,
} from './client.ts';
import { playHttp2 } from './client-http2.ts';
import { cutsAhead } from './hosts.ts';
import { expected, type Outcome } from './model.ts';
import { play, Seen } from './play.ts';

/** How long the host may take to come to rest after a client, in milliseconds: a bound for a busy machine. */
const REST = 30_000;

/**
 * node:https destroys the connection of a pipeline that makes it pause: it pauses its parser, then gives it what TLS
 * has already decrypted, and takes the parser's HPE_PAUSED for a client's error. A bare handler that answers the second
 * of three requests with 64 KiB shows it. So it gets pipelines that fit into what it holds ahead.
 */
const SMALL_PIPELINES: ReadonlySet<string> = new Set(['node:https']);
const SMALL = 8192;

export class Arena {
  /** How many pairs have been played. */
  played = 0;
  readonly #host: Host;
  readonly #noise: unknown[] = [];
  readonly #hear = (problem: unknown): void => void this.#noise.push(problem);
  #served: Served | undefined;
  #apps: Application[] = [];
  #patience = REST;
  #resources: Map<string, number> = new Map();

  constructor(host: Host) {
    this.#host = host;
  }

  async open(): Promise<void> {
    for (const event of EVENTS) process.on(event, this.#hear);
    this.#served = await this.#host.serve((environ, startResponse) => {
      const played = this.#apps[Number(environ.QUERY_STRING)];
      if (played !== undefined) return played(environ, startResponse);
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from('ok')];
    }, {});
    // Whatever the process keeps for good is there after the first of everything.
    await probe(this.#served);
    await closing();
    this.#resources = resources();
  }

  async close(): Promise<void> {
    await this.#served?.close();
    this.#served = undefined;
    for (const event of EVENTS) process.off(event, this.#hear);
  }

  /** Plays one pair; rejects with what did not hold. */
  async play(plan: ClientPlan): Promise<void> {
    if (this.#served === undefined) await this.open();
    this.played += 1;
    try {
      await this.#playOn(this.#possible(plan), this.#served as Served);
    } catch (error) {
      // What this pair may have left behind shall not be held against the next, as when a failure is shrunk.
      await this.close();
      // The first of a kind is sure; what waits for ever is then shrunk without as much waiting.
      this.#patience = REST / 10;
      throw error;
    }
  }

  /** What this host can be asked, and this client can tell. */
  #possible(plan: ClientPlan): ClientPlan {
    // Node stops reading where the answers that wait for their turn are large, and then sees no client leave.
    const hanging = plan.requests.findIndex(({ app }) =>
      app.steps.some(({ do: what }) => what === 'hang'),
    );
    const hangs = hanging >= 0;
    // Its answer may be whole, and the next request, which is sent then, large.
    if (hangs && !plan.pipelines) return { ...plan, requests: plan.requests.slice(0, hanging + 1) };
    if (!plan.pipelines || !(hangs || SMALL_PIPELINES.has(this.#host.name))) return plan;
    const small = plan.requests.every((request) => bodySize(request) + answerSize(request) < SMALL);
    return { ...plan, pipelines: small };
  }

  async #playOn(plan: ClientPlan, served: Served): Promise<void> {
    const seen = plan.requests.map(() => new Seen());
    const hung = new Promise<void>((resolve) => {
      for (const each of seen) each.onHang = resolve;
    });
    this.#apps = plan.requests.map(({ app }, index) => play(app, seen[index] ?? new Seen()));
    this.#noise.length = 0;
    const before = served.reported().length;

    const player = served.protocol === 'http2' ? playHttp2 : playHttp1;
    const playing = player(plan, served, hung);
    const experience = await within(playing, 2 * this.#patience, 'the client waits for ever');
    await this.#rest(seen);
    const reported = served.reported().slice(before);
    const outcomes = plan.requests.map((request) =>
      expected(request.app, request.method, mayGo(request)),
    );

    assert.deepEqual(this.#noise, [], 'no unhandled rejection, uncaught exception or warning');
    const certain = this.#certain(plan, outcomes, experience);
    checkResponses(plan, outcomes, experience, certain);
    checkReports(outcomes, reported, certain);
    checkInput(plan, seen, experience);
    // An application that fails behind its last byte costs its client no answer, but the connection.
    const kept = outcomes.every(({ complete }) => complete === 'yes');
    if (kept) assert(experience.served !== false, 'the connection serves on');
    await probe(served);
  }

  /** How many answers must be as the model says: all, up to the first thing that may cut off the others. */
  #certain(plan: ClientPlan, outcomes: readonly Outcome[], experience: Experience): number {
    // Who waits for its client to go may have answered before that.
    if (experience.left || outcomes.some(({ hangs }) => hangs)) return 0;
    // Only on HTTP/1 does a cut response cost the ones behind it.
    if (this.#served?.protocol !== 'http1') return outcomes.length;
    const cut = outcomes.findIndex(({ complete }) => complete !== 'yes');
    if (cut < 0) return outcomes.length;
    return plan.pipelines && cut > 0 && this.#cutsAhead(plan.requests[cut]) ? 0 : cut + 1;
  }

  /**
   * Whether a response that is cut may cost its client answers that were whole. For HTTP/1.0 only a reset can tell that
   * it was cut.
   */
  #cutsAhead(cut: RequestPlan | undefined): boolean {
    return cutsAhead.has(this.#host) || cut?.version === '1.0';
  }

  /** Waits until nothing of the pair is left: bodies closed, sockets, files and timers gone. */
  async #rest(seen: readonly Seen[]): Promise<void> {
    const deadline = Date.now() + this.#patience;
    for (let turn = 0; ; turn += 1) {
      await settle();
      const open = this.#unsettled(seen);
      // What was closed in this very turn may be reported in the next.
      if (open === undefined) return settle();
      if (Date.now() > deadline) assert.fail(open);
      if (turn > 20) await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  #unsettled(seen: readonly Seen[]): string | undefined {
    for (const [kind, count] of resources()) {
      const before = this.#resources.get(kind) ?? 0;
      if (count > before) return `${count} of ${kind} are open, ${before} were before`;
    }
    for (const [index, app] of seen.entries()) {
      if (app.ended < app.begun) return `the generator of application ${index} was left`;
      if (app.returned < app.calls) return `application ${index} goes on`;
      if (app.calls > 1) return `application ${index} was called ${app.calls} times`;
      if (app.closes > app.bodies) return `body ${index} was closed ${app.closes} times`;
      if (app.wantsClose && app.closes < app.bodies) return `body ${index} was not closed`;
      if (app.broken.length > 0) return app.broken.join(', ');
    }
    return undefined;
  }
}

/** Whether its client may take its leave when it has the answer. */
function mayGo({ close, version, expects }: RequestPlan): boolean {
  // A connection ends behind the answer to a client that waits for a word in vain.
  return close || version === '1.0' || expects;
}

/** The bytes that an application would answer with, at most. */
function answerSize({ app }: RequestPlan): number {
  return app.steps.reduce((sum, step) => sum + ('size' in step ? step.size : 0), 0);
}

const EVENTS = ['warning', 'unhandledRejection', 'uncaughtException'] as const;

function probe(served: Served): Promise<void> {
  return within(ask(served), 2 * REST, 'a new connection waits for ever');
}

async function ask(served: Served): Promise<void> {
  const connection = await connect(served);
  const response = await connection.start({ target: '/?probe', close: true }).response;
  connection.close();
  assert.equal(response.text, 'ok', 'a new connection is served');
}

function checkResponses(
  plan: ClientPlan,
  outcomes: Outcome[],
  experience: Experience,
  certain: number,
): void {
  for (const [index, outcome] of outcomes.entries()) {
    const response = experience.responses[index];
    assert(response !== undefined);
    checkResponse(`response ${index}`, response, outcome, index < certain);
    if (plan.requests[index]?.method === 'HEAD') assert.equal(response.body.length, 0);
  }
}

/** Each error is reported once: `wsgi.errors` has its name at the beginning of a line, and its stack indented. */
function checkReports(outcomes: readonly Outcome[], reported: string, certain: number): void {
  const count = reported.match(/^(?:not an Error was thrown|\w*Error): /gm)?.length ?? 0;
  let least = 0;
  let most = 0;
  for (const [index, { reports, mayReport }] of outcomes.entries()) {
    if (index < certain) least += reports;
    most += reports + mayReport;
  }
  const told = `${count} errors are reported, expected ${least} to ${most}: ${reported}`;
  assert(count >= least && count <= most, told);
  if (most === 0) assert.equal(reported, '', 'nothing is reported where nothing went wrong');
}

function checkResponse(
  name: string,
  response: ClientResponse,
  outcome: Outcome,
  certain: boolean,
): void {
  const { status, body, complete } = response;
  const told = `${name} is ${status}, ${body.length} bytes, ${complete ? 'complete' : 'cut'}; expected ${JSON.stringify(outcome)}`;
  if (status === 0) {
    assert(!certain || outcome.complete !== 'yes', told);
    return;
  }
  // What a client that leaves within its request is told, if anything, is the server's affair.
  if (!certain && [400, 408].includes(status)) return;
  assert.equal(status, outcome.status, told);
  assert.equal(response.header('x-injected'), undefined, told);
  if (outcome.bytes !== undefined) {
    assert(body.length <= outcome.bytes, told);
    assert(body.equals(pattern(0, body.length)), `${told}: other bytes`);
    if (complete) assert.equal(body.length, outcome.bytes, `${told}: a cut that passes for whole`);
  }
  if (outcome.complete === 'no') assert(!complete, told);
  if (certain && outcome.complete === 'yes') assert(complete, told);
}

function checkInput(plan: ClientPlan, seen: readonly Seen[], experience: Experience): void {
  for (const [index, app] of seen.entries()) {
    const request = plan.requests[index];
    if (request === undefined) continue;
    const input = Buffer.concat(app.input);
    const size = bodySize(request);
    assert(input.length <= size, `application ${index} read ${input.length} of ${size} bytes`);
    assert(input.equals(pattern(0, input.length)), `application ${index} read other bytes`);
    if (app.inputAtEnd) {
      assert.equal(input.length, size, `application ${index} took a part for the whole`);
      assert(index < experience.sentWhole, `the end of a body that was not sent whole`);
    }
  }
}

/** Waits, within reason, until the sockets of a probe have closed: what is open at the start is not looked for at the end. */
async function closing(): Promise<void> {
  for (let turn = 0; turn < 500 && resources().has('TCPSocketWrap'); turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function resources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    // What is over with this turn of the event loop is no leak.
    if (kind === 'Immediate' || kind === 'TickObject') continue;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

const settle = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

async function within<T>(work: Promise<T>, most: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(message)), most);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
