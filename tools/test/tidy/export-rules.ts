import ts from 'typescript';
import { importsOf, lineOf, resolveImport, type SourceFile, type Violation, walk } from './source.ts';

interface Exported {
  readonly name: string;
  readonly line: number;
  /** Types may be exported for the sake of another export's signature. */
  readonly type: boolean;
}

/**
 * Exports that no other file imports. The index of a package, or of a part of it, is its public face and may offer more than is used here;
 * configuration files are read by their tools.
 */
export function unusedExports(files: readonly SourceFile[]): Violation[] {
  const used = usedNames(files);
  return files
    .filter(({ path }) => !isPublic(path))
    .flatMap((file) => {
      const names = used.get(file.path) ?? new Set<string>();
      if (names.has('*')) return [];
      return exportsOf(file)
        .filter(({ name, type }) => !names.has(name) && !(type && inSignature(file, name)))
        .map(({ name, line }) => ({
          rule: 'unused-export',
          path: file.path,
          line,
          message: `nobody imports ${name}: remove it, or the word export`,
        }));
    });
}

/** Who takes what from where, by the path of the exporting file. */
function usedNames(files: readonly SourceFile[]): Map<string, Set<string>> {
  const used = new Map<string, Set<string>>();
  for (const file of files) {
    for (const { specifier, names } of importsOf(file)) {
      const target = resolveImport(file.path, specifier);
      if (target === undefined) continue;
      const taken = used.get(target) ?? new Set();
      for (const name of names) taken.add(name);
      used.set(target, taken);
    }
  }
  return used;
}

/** Files whose exports are for others than this project's files. */
function isPublic(path: string): boolean {
  return (
    /^packages\/[^/]+\/src\/(?:[^/]+\/)?index\.ts$/.test(path) ||
    path === 'stacks/index.ts' ||
    path === 'policies/index.ts' ||
    // Pulumi reads what the program exports as stack outputs.
    path === 'infra/index.ts' ||
    // Vitest calls it.
    path.endsWith('/global-setup.ts') ||
    // Found by the name of a backend.
    /^packages\/model-backends\/src\/[^/]+\/test\/under-test\.ts$/.test(path) ||
    // Found by the name of a rule.
    /^policies\/rules\/[^/]+\/examples\.ts$/.test(path) ||
    /(^|\/)[\w.-]+\.config\.ts$/.test(path) ||
    /^apps\/[^/]+\/src\/definition\.ts$/.test(path) ||
    path.endsWith('.d.ts')
  );
}

function exportsOf(file: SourceFile): Exported[] {
  const out: Exported[] = [];
  const add = (name: string, node: ts.Node, type = false) =>
    out.push({ name, line: lineOf(file, node), type });
  for (const node of file.ast.statements) {
    if (ts.isExportAssignment(node)) add('default', node);
    if (
      ts.isExportDeclaration(node) &&
      node.exportClause !== undefined &&
      ts.isNamedExports(node.exportClause)
    )
      for (const element of node.exportClause.elements) add(element.name.text, element);
    if (!isExported(node)) continue;
    if (ts.isVariableStatement(node))
      for (const declaration of node.declarationList.declarations)
        if (ts.isIdentifier(declaration.name)) add(declaration.name.text, declaration);
    if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) {
      const standard = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true;
      add(standard ? 'default' : (node.name?.text ?? 'default'), node);
    }
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) add(node.name.text, node, true);
  }
  return out;
}

/** True when another exported declaration of the file speaks of the type. */
function inSignature(file: SourceFile, name: string): boolean {
  let found = false;
  for (const node of file.ast.statements) {
    if (
      !isExported(node) ||
      ((ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) && node.name.text === name)
    )
      continue;
    walk({ ...file, ast: node as unknown as ts.SourceFile }, (inner) => {
      if (ts.isIdentifier(inner) && inner.text === name) found = true;
    });
  }
  return found;
}

function isExported(node: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
  );
}
