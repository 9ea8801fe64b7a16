import ts from 'typescript';
import { isTest, lineOf, type SourceFile, type Violation, walk } from './source.ts';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
const MAX_PARAMETERS = 3;

/** Comments that switch a check off, or put work off. Assembled, so that this file does not break its own rule. */
const FORBIDDEN_COMMENTS = [
  ['@ts', 'ignore'].join('-'),
  ['@ts', 'nocheck'].join('-'),
  ['@ts', 'expect', 'error'].join('-'),
  ['biome', 'ignore'].join('-'),
  ['eslint', 'disable'].join('-'),
  ['TO', 'DO'].join(''),
  ['FIX', 'ME'].join(''),
  ['XX', 'X'].join(''),
];

/** Files ≤ 400 lines. */
export function fileLength(files: readonly SourceFile[]): Violation[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split('\n').length;
    return lines <= MAX_FILE_LINES
      ? []
      : [{ rule: 'file-length', path, message: `${lines} lines, at most ${MAX_FILE_LINES}: split it` }];
  });
}

/** Functions ≤ 70 lines and ≤ 3 positional parameters. A `describe` is a list of tests, not a function to read. */
export function functionShape(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const out: Violation[] = [];
    walk(file, (node) => {
      if (!isFunction(node) || node.body === undefined) return;
      const first = file.ast.getLineAndCharacterOfPosition(node.getStart(file.ast)).line;
      const last = file.ast.getLineAndCharacterOfPosition(node.getEnd()).line;
      const lines = last - first + 1;
      const name = nameOf(node);
      if (lines > MAX_FUNCTION_LINES && !(isTest(file.path) && isSuite(node)))
        out.push({
          rule: 'function-length',
          path: file.path,
          line: first + 1,
          message: `${name} has ${lines} lines, at most ${MAX_FUNCTION_LINES}: take a step out of it`,
        });
      const parameters = node.parameters.filter((one) => !isThis(one)).length;
      // The rows of a test table arrive as positional parameters.
      if (parameters > MAX_PARAMETERS && !(isTest(file.path) && ts.isCallExpression(node.parent)))
        out.push({
          rule: 'parameters',
          path: file.path,
          line: first + 1,
          message: `${name} takes ${parameters} parameters, at most ${MAX_PARAMETERS}: pass an object`,
        });
    });
    return out;
  });
}

/** No `any`, in no form. */
export function noAny(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const out: Violation[] = [];
    walk(file, (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword)
        out.push({
          rule: 'no-any',
          path: file.path,
          line: lineOf(file, node),
          message: 'any hides mistakes: use unknown and parse it, or name the type',
        });
    });
    return out;
  });
}

/** Nothing is switched off or put off. */
export function noExcuses(files: readonly SourceFile[]): Violation[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((content, at) =>
      FORBIDDEN_COMMENTS.filter((word) =>
        new RegExp(`(//|/\\*|\\*|#|\\{/\\*).*${word}\\b`).test(content),
      ).map((word) => ({
        rule: 'no-excuses',
        path,
        line: at + 1,
        message: `${word} in a comment: do it, or write it down as an issue`,
      })),
    ),
  );
}

/** No test is left out, and none shuts the others out. */
export function noSkippedTests(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => isTest(path))
    .flatMap((file) => {
      const out: Violation[] = [];
      walk(file, (node) => {
        if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return;
        const { text } = node.expression;
        if (['describe', 'it', 'test'].includes(text) && ['skip', 'only', 'todo'].includes(node.name.text))
          out.push({
            rule: 'no-skipped-tests',
            path: file.path,
            line: lineOf(file, node),
            message: `${text}.${node.name.text}: run it or remove it`,
          });
      });
      return out;
    });
}

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isGetAccessorDeclaration(node) ||
    ts.isSetAccessorDeclaration(node)
  );
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return 'a constructor';
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText();
  return 'a function';
}

function isSuite(node: ts.Node): boolean {
  const { parent } = node;
  if (!ts.isCallExpression(parent)) return false;
  return /^(test\.)?describe(\.\w+)*\b/.test(parent.expression.getText());
}

function isThis(parameter: ts.ParameterDeclaration): boolean {
  return ts.isIdentifier(parameter.name) && parameter.name.text === 'this';
}
