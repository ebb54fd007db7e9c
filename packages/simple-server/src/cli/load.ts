import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Application } from '@wsgi/core';
import { toApplication } from '@wsgi/core/handlers';
import { Fault } from './fault.js';

/**
 * Loads an application.
 *
 * @param reference - `module` or `module:export`; the module is a file, its ending may be left out, or a package.
 * @throws Fault when there is no such module or export, or when it is no application.
 */
export async function loadApplication(reference: string): Promise<Application> {
  const { module, name } = takeApart(reference);
  const exported = await importToEnd(module);
  return name === undefined ? findApplication(module, exported) : named(module, exported, name);
}

/** A module that awaits what never comes would end the command as if it had done its work. */
async function importToEnd(module: string): Promise<Record<string, unknown>> {
  let giveUp: () => void = () => {};
  const nothingLeft = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(new Fault(`${module} does not end: it awaits what never comes`));
  });
  process.once('beforeExit', giveUp);
  try {
    return await Promise.race([load(locate(module)), nothingLeft]);
  } finally {
    process.off('beforeExit', giveUp);
  }
}

function takeApart(reference: string): { module: string; name: string | undefined } {
  const [, module = reference, name] = /^(.+):([\w$.]+)$/.exec(reference) ?? [];
  return { module, name };
}

/** The URL of a module's file, which is known to be there: an error from `import` is then the module's own. */
function locate(module: string): string {
  for (const ending of ['', '.js', '.mjs', '.cjs', '/index.js', '/index.mjs']) {
    const path = resolve(module + ending);
    if (existsSync(path) && statSync(path).isFile()) return pathToFileURL(path).href;
  }
  try {
    return pathToFileURL(createRequire(resolve('wsgi')).resolve(module)).href;
  } catch {
    throw new Fault(`there is no module '${module}', neither a file nor a package`);
  }
}

async function load(url: string): Promise<Record<string, unknown>> {
  try {
    return await import(url);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    throw new Fault(
      `${error.message}, which Node ${process.versions.node} cannot run: compile it to JavaScript first`,
    );
  }
}

function named(module: string, exported: Record<string, unknown>, name: string): Application {
  let value: unknown = exported;
  for (const part of name.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined;
  }
  if (value === undefined) throw new Fault(`${module} has no export '${name}'${choice(exported)}`);
  return check(module, name, value);
}

/** A CommonJS module's exports are the properties of its default export. */
function findApplication(module: string, exported: Record<string, unknown>): Application {
  const main = exported['default'];
  const nested = typeof main === 'object' && main !== null ? { ...main } : {};
  const all: Record<string, unknown> = { ...nested, ...exported };
  if (main !== undefined && !isNamespace(main)) return check(module, 'default', main);
  for (const name of ['application', 'app']) {
    if (all[name] !== undefined) return check(module, name, all[name]);
  }
  throw new Fault(
    `${module} exports no application: make it the default export, or name another as ${module}:NAME${choice(all)}`,
  );
}

/** Whether a default export only stands for a CommonJS module's named ones. */
function isNamespace(main: unknown): boolean {
  return (
    typeof main === 'object' &&
    main !== null &&
    !('call' in main) &&
    ('application' in main || 'app' in main)
  );
}

function choice(exported: Record<string, unknown>): string {
  const names = Object.keys(exported).filter((name) => name !== 'module.exports');
  return names.length === 0 ? '; it exports nothing' : `; it exports ${names.join(', ')}`;
}

function check(module: string, name: string, value: unknown): Application {
  try {
    // What it takes is what it checks.
    return toApplication(value as Application);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault(`the export '${name}' of ${module} is no application: ${reason}`);
  }
}
