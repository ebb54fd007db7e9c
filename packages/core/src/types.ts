/**
 * The contract between a server and an application, as types.
 *
 * Everything here is PEP 3333 in TypeScript; `SPEC.md` beside the package states the rules that types cannot.
 */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';

/**
 * A gateway application: called once for each request, it calls `startResponse` and returns the body.
 *
 * Source: PEP 3333, "The Application/Framework Side".
 *
 * @example
 * ```ts
 * const app: Application = (environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [Buffer.from(`Hello from ${environ.PATH_INFO}\n`)];
 * };
 * ```
 */
export type Application = (
  environ: Environ,
  startResponse: StartResponse,
) => ResponseBody | Promise<ResponseBody>;

/** An object with a method `call`: an application as a method. See {@link ApplicationLike}. */
export interface ApplicationObject {
  call(environ: Environ, startResponse: StartResponse): ResponseBody | Promise<ResponseBody>;
  /** Functions have one; an application object does not. This keeps any function from passing as an object. */
  apply?: never;
}

/** A class whose instances are the response's body: PEP 3333's `AppClass`. See {@link ApplicationLike}. */
export type ApplicationClass = new (environ: Environ, startResponse: StartResponse) => ResponseBody;

/** All that a host takes as an application; `toApplication` makes an {@link Application} of it. */
export type ApplicationLike = Application | ApplicationObject | ApplicationClass;

/** The chunks of a body that is at hand, or made on demand without waiting. */
export interface SyncResponseBody extends Iterable<Uint8Array> {
  /** Called exactly once when the response is over, however it ended. */
  close?(): void | Promise<void>;
}

/** The chunks of a body that is made on demand, with waiting. */
export interface AsyncResponseBody extends AsyncIterable<Uint8Array> {
  /** Called exactly once when the response is over, however it ended. */
  close?(): void | Promise<void>;
}

/**
 * What an application returns: an iterable of byte chunks, never a string and never a bare `Uint8Array`.
 *
 * A chunk must not be changed once it is given: a server may hold it for longer than until it asks for the next.
 *
 * Source: PEP 3333, "Specification Details".
 */
export type ResponseBody = SyncResponseBody | AsyncResponseBody;

/** Header fields as `[name, value]` pairs, in the order in which they are sent. */
export type HeaderList = Array<[name: string, value: string]>;

/**
 * Begins the response: sets its status and header fields, and returns the `write` callable.
 *
 * @param status - `'200 OK'`: three digits from 200 to 599, a space and a reason.
 * @param headers - `[name, value]` pairs; hop-by-hop fields are the server's and are refused.
 * @param excInfo - the caught error, when the call replaces a response that was begun earlier. If the header
 *   fields have been sent already, that error is thrown again.
 * @throws TypeError or Error when an argument breaks a rule, or on a second call without `excInfo`, whether or not the
 *   first one failed.
 *
 * Source: PEP 3333, "The start_response() Callable".
 */
export type StartResponse = (status: string, headers: HeaderList, excInfo?: unknown) => Write;

/**
 * Sends bytes at once, before whatever the application returns. New code returns an iterable instead.
 *
 * Returns a promise when the transport asks to wait; it rejects with `ECONNRESET` once the client has gone.
 * The order of the bytes is kept whether or not it is awaited.
 *
 * Source: PEP 3333, "The write() Callable".
 */
export type Write = (data: Uint8Array) => void | Promise<void>;

/** The part of the environ that describes the request: what CGI (RFC 3875) would put into the environment. */
export interface RequestEnviron {
  /** The method as sent, case and all. */
  REQUEST_METHOD: string;
  /** `''`, or the path at which the application is mounted: `/...`, percent-decoded, no slash at its end. */
  SCRIPT_NAME: string;
  /** The rest of the path, percent-decoded once, byte for byte. */
  PATH_INFO: string;
  /** The query as sent, without its `?`; `''` when there is none. */
  QUERY_STRING: string;
  /** The field Content-Type; `''` or absent when there is none. */
  CONTENT_TYPE?: string;
  /** The field Content-Length, a decimal number of bytes; `''` or absent when there is none. */
  CONTENT_LENGTH?: string;
  /** The host that serves; never empty. */
  SERVER_NAME: string;
  /** The port that serves, as a string; never empty. */
  SERVER_PORT: string;
  /** `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`. */
  SERVER_PROTOCOL: string;
  /** The server and its version. */
  SERVER_SOFTWARE?: string;
  /** `CGI/1.1`. */
  GATEWAY_INTERFACE?: string;
  /** The peer's address; absent when it is unknown. */
  REMOTE_ADDR?: string;
  /** The peer's port; absent when it is unknown. */
  REMOTE_PORT?: string;
  /** The peer's name, where a web server or the host gives one: none is looked up. */
  REMOTE_HOST?: string;
  /** Who the host says is asking; only ever set by the host, never by a header. */
  REMOTE_USER?: string;
  /** The scheme by which REMOTE_USER was authenticated: `Basic`, say. */
  AUTH_TYPE?: string;
  /** The request target as sent. An extension, as in uWSGI and mod_wsgi. */
  REQUEST_URI?: string;
  /** `http` or `https`: the transport's, whatever the request says. */
  'wsgi.url_scheme'?: string;
  /** Node's request object, where there is one. */
  'node.request'?: IncomingMessage | Http2ServerRequest;
  /** Request header fields: `HTTP_` and the name in upper case, `-` as `_`; repeated ones joined with `,`. */
  [header: `HTTP_${string}`]: string | undefined;
  /** Whatever else a host, a middleware or a web server adds. */
  [key: string]: unknown;
}

/**
 * The environ of one request: a plain object, made anew for each, that applications and middleware may change.
 *
 * Its strings are PEP 3333's native strings: a code unit (at most U+00FF) for each byte. `wsgiToUtf8` decodes.
 *
 * Source: PEP 3333, "environ Variables".
 */
export interface Environ extends RequestEnviron {
  /** `[1, 0]`. */
  'wsgi.version': readonly [major: number, minor: number];
  /** `http` or `https`: the transport's, whatever the request says. */
  'wsgi.url_scheme': string;
  /** The request's body. */
  'wsgi.input': InputStream;
  /** The server's log of errors. */
  'wsgi.errors': ErrorStream;
  /** Whether another thread may run the application at the same time: `false` in Node. */
  'wsgi.multithread': boolean;
  /** Whether another process may run the application at the same time, as in a cluster and under CGI. */
  'wsgi.multiprocess': boolean;
  /** Whether the process serves this request alone, as under CGI. */
  'wsgi.run_once': boolean;
  /** Makes a body of a file. */
  'wsgi.file_wrapper': FileWrapperClass;
  /** `true`: reading `wsgi.input` to its end is safe, with or without CONTENT_LENGTH. */
  'wsgi.input_terminated': boolean;
  /** Gives the signal that fires when the client has gone. */
  'gateway.signal': () => AbortSignal;
}

/**
 * The request's body. wsgiref's methods, with promises in place of blocking.
 *
 * Every method but iteration may be called at any time; calls are answered in order.
 * They reject with an error whose `code` is `ECONNRESET` when the client cut the body short.
 *
 * Source: PEP 3333, "Input and Error Streams".
 */
export interface InputStream extends AsyncIterable<Uint8Array> {
  /** Exactly `size` bytes, fewer only at the end; all that is left without a size or with a negative one. */
  read(size?: number): Promise<Uint8Array>;
  /** The next line with its `\n`; at most `size` bytes of it. Empty at the end. */
  readline(size?: number): Promise<Uint8Array>;
  /** The lines that are left; stops after the line that reaches `hint` bytes in all. */
  readlines(hint?: number): Promise<Uint8Array[]>;
}

/** Where an application reports errors: a text stream. Source: PEP 3333, "Input and Error Streams". */
export interface ErrorStream {
  /** Writes text as it is; no line end is added. */
  write(text: string): void;
  /** Writes several texts; no line ends are added. */
  writelines(lines: Iterable<string>): void;
  /** Passes on what the stream may hold back. */
  flush(): void;
}

/** What a `FileWrapper` can read: an object with `read(size)`, such as a `FileHandle`. */
export type FileLike = ReadableFile | FileHandleLike;

/** A file-like object in Python's manner: an empty chunk, or `null`, is its end. */
export interface ReadableFile {
  read(size: number): Uint8Array | null | Promise<Uint8Array | null>;
  /** How many bytes are left to read, when known: it becomes the Content-Length. */
  size?: number;
  close?(): void | Promise<void>;
  /** Node's streams have one, whose `read()` gives `null` before their end, too. A stream is a body by itself. */
  pipe?: never;
}

/** The part of `FileHandle` (node:fs/promises) that is used. */
export interface FileHandleLike {
  readonly fd: number;
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ bytesRead: number }>;
  stat(): Promise<{ size: number; isFile(): boolean }>;
  close(): Promise<void>;
}

/** The class behind `wsgi.file_wrapper`. */
export interface FileWrapperClass {
  // A signature of its own, so that TypeScript infers the type of `size` in `{ read: (size) => ... }`.
  new (filelike: ReadableFile, blksize?: number): ResponseBody;
  new (filelike: FileLike, blksize?: number): ResponseBody;
}
