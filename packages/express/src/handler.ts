import { asError, PayloadTooLargeError } from '@wsgi/core/handlers';
import { lingerBehindAnswer, NodeHandler, type NodeHandlerOptions } from '@wsgi/core/node';
import { addExpressVars, mountedTarget } from './environ.js';
import type { ExpressRequest, ExpressResponse, NextFunction } from './express.js';
import { ParsedBody } from './input.js';

/** A handler that leaves its errors to Express. */
export class ExpressGatewayHandler extends NodeHandler {
  readonly #request: ExpressRequest;
  readonly #parsed: ParsedBody | undefined;
  readonly #next: NextFunction | undefined;

  constructor(
    request: ExpressRequest,
    response: ExpressResponse,
    next: NextFunction | undefined,
    options: NodeHandlerOptions,
  ) {
    const parsed = ParsedBody.of(request);
    const { extraEnviron, errors, maxBodySize } = options;
    super(request, response, {
      // Named, and not spread: V8 gives each object that is spread and added to a hidden class of its own.
      target: mountedTarget(request),
      extraEnviron,
      errors,
      maxBodySize,
      // Without a `next` there is nobody else to answer.
      cascade: next === undefined ? undefined : options.cascade,
      input: parsed?.input(maxBodySize ?? Number.POSITIVE_INFINITY),
    });
    this.#request = request;
    this.#parsed = parsed;
    this.#next = next;
  }

  override addCgiVars(): void {
    addExpressVars(this.environ, this.#request);
    this.#parsed?.amend(this.environ);
  }

  override _passOn(): void {
    this.#next?.();
  }

  /**
   * Reports the error and hands it to `next`, once; not, if somebody else has answered the request meanwhile.
   *
   * Only a body that is too large is answered here: Express's default handler reads a request to its end before
   * it answers, which is what the limit is there to prevent.
   */
  override handleError(error: unknown): void | Promise<void> {
    const next = this.#next;
    if (next === undefined || error instanceof PayloadTooLargeError)
      return super.handleError(error);
    this.report(error);
    if (this.#isOver) return undefined;
    if (!this.response.headersSent) {
      return this.leaveAnswer(() => {
        if (this.#isOver) return;
        // What is left of a body that was too large has not been taken in, and still comes.
        if (this.bodyRefused) lingerBehindAnswer(this.request.socket);
        this.letGoOfRequest();
        next(asError(error));
      });
    }
    // First: a handler that ends or destroys a response that was begun would make what there is of it look whole.
    this._abort();
    next(asError(error));
    return undefined;
  }

  /** Whether nobody is there to answer, or somebody else in the host has begun to. */
  get #isOver(): boolean {
    return this.clientGone || (this.response.headersSent && !this.headersSent);
  }
}
