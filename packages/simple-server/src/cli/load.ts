import { existsSync, statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Application } from '@wsgi/core';
import { toApplication } from '@wsgi/core/handlers';
import { Fault, messageOf } from './fault.js';

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
  // Node finds its own modules by their names alone, and they are no applications.
  if (isBuiltin(module)) throw new Fault(noModule(module));
  try {
    return pathToFileURL(createRequire(resolve('wsgi')).resolve(module)).href;
  } catch (error) {
    if (isCoded(error) && error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
      throw new Fault(`${error.message}, for require() that is: name the file of the module`);
    }
    throw new Fault(noModule(module));
  }
}

function noModule(module: string): string {
  return `there is no module '${module}', neither a file nor a package`;
}

function isCoded(error: unknown): error is Error & { code: unknown } {
  return error instanceof Error && 'code' in error;
}

async function load(url: string): Promise<Record<string, unknown>> {
  try {
    const exported: Record<string, unknown> = await import(url);
    const { default: main } = exported;
    // What a compiler made CommonJS of keeps its own default export as a property, and this mark beside it.
    return isNamespace(main) && '__esModule' in main ? main : exported;
  } catch (error) {
    if (!isCoded(error) || error.code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    throw new Fault(
      `${error.message}, which Node ${process.versions.node} cannot run: compile it to JavaScript first`,
    );
  }
}

function named(module: string, exported: Record<string, unknown>, name: string): Application {
  const [first = '', ...rest] = name.split('.');
  let owner: unknown;
  let value: unknown = namesOf(exported)[first];
  for (const part of rest) {
    owner = value;
    value = Object(owner)[part];
  }
  if (value === undefined) throw new Fault(`${module} has no export '${name}'${choice(exported)}`);
  const application = check(module, name, value);
  // A function of an object's is a method, and called as one.
  return application === value && owner !== undefined ? application.bind(owner) : application;
}

function findApplication(module: string, exported: Record<string, unknown>): Application {
  const main = exported['default'];
  if (main !== undefined && !isNamespace(main)) return check(module, 'default', main);
  const all = namesOf(exported);
  for (const name of ['application', 'app']) {
    if (all[name] !== undefined) return check(module, name, all[name]);
  }
  const another = `name another as ${module}:NAME${choice(exported)}`;
  if (main !== undefined) return check(module, 'default', main, `; or ${another}`);
  throw new Fault(`${module} exports no application: make it the default export, or ${another}`);
}

/** Whether a default export only stands for a CommonJS module's named ones. */
function isNamespace(main: unknown): main is Record<string, unknown> {
  return typeof main === 'object' && main !== null && !('call' in main);
}

/** A CommonJS module's exports are the properties of its default export, of which Node knows some by their names. */
function namesOf(exported: Record<string, unknown>): Record<string, unknown> {
  const { default: main } = exported;
  return isNamespace(main) ? { ...main, ...exported } : exported;
}

function choice(exported: Record<string, unknown>): string {
  const { default: main } = exported;
  const names = Object.keys(namesOf(exported)).filter(
    (name) => name !== 'module.exports' && !(name === 'default' && isNamespace(main)),
  );
  return names.length === 0 ? '; it exports nothing' : `; it exports ${names.join(', ')}`;
}

function check(module: string, name: string, value: unknown, hint = ''): Application {
  try {
    // It checks at run time whatever it is given.
    return toApplication(value as Application);
  } catch (error) {
    throw new Fault(
      `the export '${name}' of ${module} is no application: ${messageOf(error)}${hint}`,
    );
  }
}
