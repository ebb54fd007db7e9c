// The work itself: the bytes that every server sends, so that all do the same.
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const KIB = 1024;
export const MIB = 1024 * KIB;

export const text = Buffer.from('Hello, world!');

const entry = { id: 1, name: 'a thing of some size', tags: ['one', 'two'], price: 12.5 };

/** A document of about 1 KiB, made anew for each request, as an application would. */
export function jsonText() {
  return JSON.stringify({ items: Array.from({ length: 14 }, (_, id) => ({ ...entry, id })) });
}

/** The ten header fields of the JSON item, without its Content-Length. */
export const jsonHeaders = [
  ['Content-Type', 'application/json; charset=utf-8'],
  ['Cache-Control', 'no-cache'],
  ['ETag', '"1b2e-17f"'],
  ['Vary', 'Accept-Encoding'],
  ['X-Frame-Options', 'DENY'],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  ['X-Request-Id', '0f3a6c1e-1d1b-4a53-9d3e-6f9d8f0c2b7a'],
  ['Set-Cookie', 'session=abcdef0123456789; Path=/; HttpOnly'],
];

export const large = Buffer.alloc(MIB, 'x');
export const chunk = Buffer.alloc(64 * KIB, 'y');
export const chunks = 1024;

/** A file of 64 MiB in the system's temporary folder; the harness makes it and takes it away. */
export const filePath = process.env.BENCH_FILE ?? join(tmpdir(), `wsgi-bench-${process.pid}.bin`);

export function makeFile() {
  writeFileSync(filePath, Buffer.alloc(64 * MIB, 'z'));
}

export function* generate() {
  for (let sent = 0; sent < chunks; sent += 1) yield chunk;
}

export async function* generateLater() {
  for (let sent = 0; sent < chunks; sent += 1) {
    await null;
    yield chunk;
  }
}

/** How many events a client of the event stream gets, and how long the server waits between two. */
export const events = 20;
export const eventPause = 50;
export const event = Buffer.from(`data: ${'e'.repeat(90)}\n\n`);
