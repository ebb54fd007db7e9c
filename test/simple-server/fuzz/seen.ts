/** One request as a parser understood it; `complete` when its body came to its end. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly rawHeaders: readonly string[];
  body: string;
  complete: boolean;
}
