/** Code blocks made into modules: one folder for each document, one TypeScript program for them all. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { type Block, place } from './documents.js';

/** A block that can be run: the path of its JavaScript. */
export interface Module {
  block: Block;
  path: string;
}

export interface CompileOptions {
  /** Other files that belong to the program. Default: none. */
  files?: string[];
  /** Whether the declarations of packages are left unchecked. Default: true. */
  skipLibCheck?: boolean;
}

const extensions: Record<string, string> = { ts: '.ts', js: '.mjs', cjs: '.cjs' };

/**
 * Writes the blocks in `ts`, `js` and `cjs` below `folder`, which must see the packages that they import, and
 * compiles them as a user's strict project under NodeNext would.
 *
 * The first `ts` block of a document is its `./app.js` as well, since documents show an application once and then
 * mount it.
 *
 * @returns the modules, and what the compiler says, by place of the block.
 */
export function compile(
  blocks: Block[],
  folder: string,
  { files = [], skipLibCheck = true }: CompileOptions = {},
): { modules: Module[]; errors: string[] } {
  const modules: Module[] = [];
  const sources = new Map<string, Block>();
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');

  for (const block of blocks) {
    const extension = extensions[block.language];
    if (extension === undefined) continue;
    const home = join(folder, block.document.replaceAll(/[/.]/g, '-'));
    const path = join(home, `line-${block.line}${extension}`);
    mkdirSync(home, { recursive: true });
    writeFileSync(path, block.code);
    modules.push({ block, path: path.replace(/\.ts$/, '.js') });
    if (block.language !== 'ts') continue;
    const app = join(home, 'app.ts');
    if (![...sources.keys()].some((source) => dirname(source) === home)) {
      writeFileSync(app, block.code);
      sources.set(app, block);
    }
    sources.set(path, block);
  }

  const program = ts.createProgram([...sources.keys(), ...files], {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck,
    verbatimModuleSyntax: true,
  });
  const errors = ts.getPreEmitDiagnostics(program).map((error) => describe(error, sources, folder));
  program.emit();
  return { modules, errors };
}

function describe(error: ts.Diagnostic, sources: Map<string, Block>, folder: string): string {
  const message = ts.flattenDiagnosticMessageText(error.messageText, '\n');
  if (error.file === undefined || error.start === undefined) return message;
  const block = sources.get(error.file.fileName);
  const line = error.file.getLineAndCharacterOfPosition(error.start).line;
  const where =
    block === undefined
      ? relative(folder, error.file.fileName)
      : place({ ...block, line: block.line + line });
  return `${where}: ${message}`;
}
