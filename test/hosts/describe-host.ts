import { type Application, type ApplicationLike, toApplication, validator } from '@wsgi/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { behaviours } from './behaviours/index.ts';
import { type Connection, connect } from './client/index.ts';
import type { Host, Mounted, MountOptions, Stage } from './stage.ts';

type Wrap = (app: ApplicationLike) => ApplicationLike;

/** Runs the whole list against one host: the applications as they are, then each right one inside the validator. */
export function describeHost(host: Host): void {
  describe(host.name, () => runAll(host, (app) => app));
  describe(`${host.name}, with the validator around the application`, () =>
    runAll(host, (app): Application => validator(toApplication(app))));
}

function runAll(host: Host, wrap: Wrap): void {
  const cleanups: Array<() => void | Promise<void>> = [];
  const noise: unknown[] = [];
  const reports: Array<() => string> = [];
  const hear = (problem: unknown) => noise.push(problem);

  beforeEach(() => {
    noise.length = 0;
    process.on('warning', hear);
    process.on('unhandledRejection', hear);
    process.on('uncaughtException', hear);
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    // A rejection that nobody handles is announced after the microtasks.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', hear);
    process.off('unhandledRejection', hear);
    process.off('uncaughtException', hear);
    for (const reported of reports.splice(0)) {
      expect(reported(), 'no rule was found broken').not.toMatch(/AssertionError|WSGIWarning/);
    }
    expect(noise, 'no unhandled rejection, no uncaught exception, no warning').toEqual([]);
  });

  const stage: Stage = {
    async mount(app, options: MountOptions = {}) {
      const served = await host.serve(options.unwrapped === undefined ? wrap(app) : app, options);
      cleanups.push(() => served.close());
      reports.push(served.reported);
      const mounted: Mounted = {
        ...served,
        host,
        origin: `${served.secure ? 'https' : 'http'}://127.0.0.1:${served.port}`,
        scriptName: options.scriptName ?? '',
        async connect(): Promise<Connection> {
          const connection = await connect(served);
          cleanups.push(() => connection.close());
          return connection;
        },
        async fetch(spec) {
          const connection = await mounted.connect();
          const response = await connection.start(spec).response;
          connection.close();
          return response;
        },
      };
      return mounted;
    },
  };

  for (const [subject, list] of behaviours) {
    describe(subject, () => {
      for (const behaviour of list) it(behaviour.name, () => behaviour.run(stage));
    });
  }
}
