/** Plays a scenario: an application and a server made of data, with the validator between them. */
import type { Application, ResponseBody } from '@wsgi/core';
import { validator, type WSGIWarning } from '@wsgi/core/validate';
import { vi } from 'vitest';
import type { Scenario } from './scenario.ts';
import { ScriptedApplication, type Variant } from './scripted-application.ts';
import { ScriptedServer } from './scripted-server.ts';

export interface Verdict {
  /** What was thrown first, to whom does not matter. */
  error: unknown;
  warnings: WSGIWarning[];
  application: ScriptedApplication;
  server: ScriptedServer;
}

export async function play(scenario: Scenario, variant: Variant): Promise<Verdict> {
  const warnings: WSGIWarning[] = [];
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warnings.push(warning as WSGIWarning);
  });
  const application = new ScriptedApplication(scenario);
  const server = new ScriptedServer(scenario);
  let error: unknown;
  try {
    await server.serve(validated(scenario, application, variant));
    await application.runAll(scenario.after ?? []);
  } catch (caught) {
    error = caught;
  } finally {
    await server.end();
    emit.mockRestore();
  }
  return { error, warnings, application, server };
}

/** The application of a scenario, inside the validator. */
export function validated(
  { middleware }: Scenario,
  application: ScriptedApplication,
  variant: Variant,
): Application {
  const app = validator(application.in(variant));
  return middleware === undefined ? app : validator(collecting(app));
}

/** Middleware that yields nothing until it has all. */
function collecting(app: Application): Application {
  return (environ, startResponse) => {
    const answer = app(environ, startResponse);
    if (answer instanceof Promise) return answer.then(collect);
    return collect(answer);
  };
}

function collect(body: ResponseBody): ResponseBody {
  if (Symbol.asyncIterator in body) return collectLater(body);
  return (function* () {
    try {
      yield Buffer.concat(Array.from(body));
    } finally {
      body.close?.();
    }
  })();
}

async function* collectLater(body: ResponseBody): AsyncGenerator<Uint8Array> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    yield Buffer.concat(chunks);
  } finally {
    await body.close?.();
  }
}
