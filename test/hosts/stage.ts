/**
 * What a behaviour and a host say to each other.
 *
 * A behaviour is a rule of the contract, said once. A host is a server with the gateway mounted in it. Every behaviour runs
 * on every host; where protocols differ, the client absorbs it.
 */
import type { ApplicationLike } from '@wsgi/core';
import type { ClientResponse, Connection, Endpoint, RequestSpec } from './client/index.ts';

export interface MountOptions {
  /** Where to mount: `''` (default) or a path; each of its segments is a router of its own where hosts have routers. */
  scriptName?: string;
  /** The host's `environ` option. */
  environ?: EnvironOption;
  /** The host's `maxBodySize` option, in bytes. */
  maxBodySize?: number;
  /**
   * Why this application never runs inside the validator: most often the rule that it breaks on purpose, which the
   * validator would report before the host could answer for it.
   */
  unwrapped?: string;
}

export type EnvironOption =
  | Record<string, unknown>
  | ((request: unknown) => Record<string, unknown>);

/** A server under test, as its host hands it over. */
export interface Served extends Endpoint {
  /** The text that reached `wsgi.errors`, with whatever the host logs as an error by itself. */
  reported(): string;
  /** The errors given to the host's own error handling; undefined where a host has none. */
  handed?: unknown[];
  close(): Promise<void>;
}

export interface Host {
  name: string;
  /** HTTP versions that it may report in SERVER_PROTOCOL, the usual one first, the oldest last. */
  protocols: [usual: string, ...others: string[]];
  /** Whether the host reads HTTP by itself, so that Node makes no request object. Default: false. */
  ownParser?: boolean;
  /** Whether the host's own error handling shows an error's message to strangers. Default: false. */
  showsMessages?: boolean;
  serve(app: ApplicationLike, options: MountOptions): Promise<Served>;
}

/** A mounted application, with what a behaviour asks of it. */
export interface Mounted extends Served {
  host: Host;
  /** `http://127.0.0.1:PORT`. */
  origin: string;
  scriptName: string;
  connect(): Promise<Connection>;
  /** One request on a connection of its own. */
  fetch(spec?: RequestSpec): Promise<ClientResponse>;
}

export interface Stage {
  mount(app: ApplicationLike, options?: MountOptions): Promise<Mounted>;
}

export interface Behaviour {
  /** A sentence that is true of every host. */
  name: string;
  run(stage: Stage): Promise<void>;
}
