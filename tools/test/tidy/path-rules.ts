/** Paths written as text: they break in silence when what they name is moved. */
import { posix } from 'node:path';
import ts from 'typescript';
import { lineOf, type SourceFile, type TextFile, type Violation, walk } from './source.ts';

/** Workspaces whose files may name no file of another. Tools check and tests drive the whole checkout. */
const HELD = /^(packages\/[^/]+|apps\/[^/]+|stacks|infra|policies|tools\/src)\//;
const WORKSPACE = /^(packages\/[^/]+|apps\/[^/]+|stacks|infra|policies|tools)(?=\/|$)/;

/**
 * Strings that name a file or folder of another workspace, or code that is not there; in one piece or as neighbouring
 * arguments of a call.
 */
export function pathStrings(code: readonly SourceFile[], files: readonly TextFile[]): Violation[] {
  const known = foldersOf(files);
  return code
    .filter(({ path }) => HELD.test(path))
    .flatMap((file) =>
      textsOf(file).flatMap(({ text, node }) => {
        const target = targetOf(file.path, text);
        const reason = refusal(file.path, target, known);
        return reason === undefined
          ? []
          : [{ rule: 'path', path: file.path, line: lineOf(file, node), message: `'${text}' ${reason}` }];
      }),
    );
}

function refusal(from: string, target: string, known: ReadonlySet<string>): string | undefined {
  const workspace = WORKSPACE.exec(target)?.[0];
  if (workspace === undefined) return undefined;
  if (!known.has(target))
    return /\.(ts|tsx|mjs)$/.test(target) ? `names ${target}, which is not there: correct it` : undefined;
  return workspace === WORKSPACE.exec(from)?.[0]
    ? undefined
    : `names ${target} of another workspace: import it, or let the environment say where it is`;
}

/** Every folder that holds a file, every file, and what is built into a folder of a workspace. */
function foldersOf(files: readonly TextFile[]): ReadonlySet<string> {
  const known = new Set<string>();
  for (const { path } of files)
    for (let at = path; at !== '.'; at = posix.dirname(at)) known.add(at).add(posix.join(at, 'dist'));
  return known;
}

function targetOf(path: string, text: string): string {
  return posix.normalize(text.startsWith('.') ? posix.join(posix.dirname(path), text) : text);
}

/** Literals but those of imports, and the neighbouring literal arguments of each call as one path. */
function textsOf(file: SourceFile): { text: string; node: ts.Node }[] {
  const out: { text: string; node: ts.Node }[] = [];
  walk(file, (node) => {
    if (ts.isStringLiteralLike(node) && !isSpecifier(node) && node.text.includes('/'))
      out.push({ text: node.text, node });
    if (!ts.isCallExpression(node)) return;
    const parts = node.arguments.filter((one) => ts.isStringLiteralLike(one)).map(({ text }) => text);
    if (parts.length > 1) out.push({ text: parts.join('/'), node });
  });
  return out;
}

function isSpecifier({ parent }: ts.Node): boolean {
  return (
    ts.isImportDeclaration(parent) ||
    ts.isExportDeclaration(parent) ||
    ts.isLiteralTypeNode(parent) ||
    (ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword)
  );
}
