import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** A file of the project, its path relative to the root with forward slashes. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** A TypeScript file, parsed. */
export interface SourceFile extends TextFile {
  readonly ast: ts.SourceFile;
}

/** One breach of a rule: what is wrong, where, and the way out. */
export interface Violation {
  readonly rule: string;
  readonly path: string;
  readonly line?: number;
  readonly message: string;
}

/** One import or re-export, static or dynamic with a literal. */
export interface Import {
  readonly specifier: string;
  /** Names taken, as the exporter calls them; `*` for all of them. */
  readonly names: readonly string[];
  readonly line: number;
  /** True where it is loaded on demand. */
  readonly dynamic: boolean;
}

const MAX_BYTES = 2 * 1024 * 1024;

/** All text files that git knows or would add, as they are on disk. */
export function projectFiles(root: string): TextFile[] {
  const names = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  }).split('\0');
  return names.flatMap((path) => {
    const full = join(root, path);
    if (path === '' || !existsSync(full)) return [];
    const info = statSync(full);
    if (!info.isFile() || info.size > MAX_BYTES) return [];
    const text = readFileSync(full, 'utf8');
    return text.includes('\0') ? [] : [{ path, text }];
  });
}

/** Those of the files that are TypeScript, parsed. */
export function sources(files: readonly TextFile[]): SourceFile[] {
  return files.filter(({ path }) => /\.tsx?$/.test(path)).map(({ path, text }) => parseSource(path, text));
}

/** Parses one file. */
export function parseSource(path: string, text: string): SourceFile {
  const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  return { path, text, ast: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true, kind) };
}

/** Line of a node, from 1. */
export function lineOf(file: SourceFile, node: ts.Node): number {
  return file.ast.getLineAndCharacterOfPosition(node.getStart(file.ast)).line + 1;
}

/** Calls `visit` for every node of a file. */
export function walk(file: SourceFile, visit: (node: ts.Node) => void): void {
  const go = (node: ts.Node) => {
    visit(node);
    ts.forEachChild(node, go);
  };
  go(file.ast);
}

/** True for tests and what only they use. */
export function isTest(path: string): boolean {
  return /(^|\/)(test|tests)\//.test(path) || /\.test\.tsx?$/.test(path) || path.startsWith('bench/');
}

/** Every import of a file. */
export function importsOf(file: SourceFile): Import[] {
  const out: Import[] = [];
  walk(file, (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier))
      out.push({
        specifier: node.moduleSpecifier.text,
        names: importedNames(node),
        line: lineOf(file, node),
        dynamic: false,
      });
    else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    )
      out.push({
        specifier: node.moduleSpecifier.text,
        names: reExportedNames(node),
        line: lineOf(file, node),
        dynamic: false,
      });
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments;
      if (target !== undefined && ts.isStringLiteralLike(target))
        out.push({ specifier: target.text, names: ['*'], line: lineOf(file, node), dynamic: true });
    } else if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    )
      out.push({
        specifier: node.argument.literal.text,
        names: ['*'],
        line: lineOf(file, node),
        dynamic: false,
      });
  });
  return out;
}

function importedNames(node: ts.ImportDeclaration): string[] {
  const clause = node.importClause;
  if (clause === undefined) return [];
  const names = clause.name === undefined ? [] : ['default'];
  const bindings = clause.namedBindings;
  if (bindings === undefined) return names;
  if (ts.isNamespaceImport(bindings)) return [...names, '*'];
  return [...names, ...bindings.elements.map((element) => (element.propertyName ?? element.name).text)];
}

function reExportedNames(node: ts.ExportDeclaration): string[] {
  if (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause)) return ['*'];
  return node.exportClause.elements.map((element) => (element.propertyName ?? element.name).text);
}

/** Path of the file that an import means inside the project, or undefined for packages from outside. */
export function resolveImport(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier.replace(/\?.*$/, ''));
  const [, name, entry = 'index'] = /^@mcp\/([^/]+)(?:\/([^/]+))?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  if (entry === 'manifest') return `packages/${name}/manifest.ts`;
  if (entry !== 'index') return `packages/${name}/src/${entry}.ts`;
  return ['dependencies', 'stacks', 'policies'].includes(name)
    ? `${name}/index.ts`
    : `packages/${name}/src/index.ts`;
}
