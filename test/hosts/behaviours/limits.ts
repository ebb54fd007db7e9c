import type { Application } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour } from '../stage.ts';
import { bytes, ok } from './apps.ts';

/** Reads all, and says what the read was rejected with. */
const reader =
  (log: unknown[]): Application =>
  async (environ, startResponse) => {
    log.push('called');
    try {
      log.push((await environ['wsgi.input'].read()).length);
    } catch (error) {
      log.push(error);
      throw error;
    }
    return ok(startResponse);
  };

export const limits: Behaviour[] = [
  {
    name: 'a Content-Length over maxBodySize gets 413 before the application runs',
    async run(stage) {
      const log: unknown[] = [];
      const mounted = await stage.mount(reader(log), { maxBodySize: 10 });
      const response = await mounted.fetch({
        method: 'POST',
        body: 'x'.repeat(11),
      });
      expect([response.status, response.complete]).toEqual([413, true]);
      expect(log).toEqual([]);
    },
  },
  {
    name: '413 does not wait for a body that has not been sent',
    async run(stage) {
      const mounted = await stage.mount(reader([]), { maxBodySize: 10 });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 1_000_000,
      });
      expect((await exchange.head).status).toBe(413);
    },
  },
  {
    name: 'a body of exactly maxBodySize is read',
    async run(stage) {
      const log: unknown[] = [];
      const mounted = await stage.mount(reader(log), { maxBodySize: 10 });
      const sized = await mounted.fetch({
        method: 'POST',
        body: 'x'.repeat(10),
      });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 'unsized',
      });
      await exchange.send('x'.repeat(10));
      exchange.finish();
      expect([sized.status, (await exchange.response).status]).toEqual([200, 200]);
      expect(log).toEqual(['called', 10, 'called', 10]);
    },
  },
  {
    name: 'an unsized body over maxBodySize rejects the read, and an application that lets it through answers 413',
    async run(stage) {
      const log: unknown[] = [];
      const mounted = await stage.mount(reader(log), { maxBodySize: 10 });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 'unsized',
      });
      await exchange.send('x'.repeat(8));
      await exchange.send('x'.repeat(8)).catch(() => {});
      exchange.finish();
      const response = await exchange.response;
      expect([response.status, response.complete]).toEqual([413, true]);
      expect(log).toEqual(['called', expect.objectContaining({ statusCode: 413 })]);
    },
  },
  {
    name: 'an endless unsized body over maxBodySize is not read on',
    async run(stage) {
      const mounted = await stage.mount(reader([]), { maxBodySize: 1000 });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 'unsized',
      });
      const block = Buffer.alloc(64 * 1024);
      let sent = 0;
      const limit = 64 * 1024 * 1024;
      const sending = (async () => {
        while (sent < limit) {
          await exchange.send(block);
          sent += block.length;
        }
      })().catch(() => {});
      expect((await exchange.head).status).toBe(413);
      // The server closes on a client that goes on sending; a client that sees that stops.
      await Promise.race([sending, exchange.response.then(() => {})]);
      expect(sent).toBeLessThan(limit);
    },
  },
  {
    name: 'an application may answer for a body that is too large by itself',
    async run(stage) {
      const mounted = await stage.mount(
        async (environ, startResponse) => {
          await environ['wsgi.input'].read().catch(() => {});
          startResponse('400 Too Much', [['Content-Type', 'text/plain']]);
          return [bytes('too much')];
        },
        { maxBodySize: 10 },
      );
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 'unsized',
      });
      await exchange.send('x'.repeat(20));
      exchange.finish();
      const response = await exchange.response;
      expect([response.status, response.text]).toEqual([400, 'too much']);
    },
  },
];
