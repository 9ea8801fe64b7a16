import { z } from 'zod';

/**
 * What a JSON schema in a request may hold, near what OpenAI publishes for structured outputs: it is compiled by
 * whoever answers, and the work must stay in proportion to the request.
 */
const MAX_LEVELS = 32;
const MAX_SUBSCHEMAS = 5000;
const MAX_ENUM_VALUES = 1000;
const MAX_TEXT_CHARS = 120_000;

/** Keywords that hold a schema, a list of schemas, schemas by name (JSON Schema 2020-12 and draft 7). */
const ONE = new Set([
  ...['items', 'additionalItems', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'not'],
  ...['contains', 'propertyNames', 'if', 'then', 'else', 'contentSchema'],
]);
const LIST = new Set(['oneOf', 'anyOf', 'allOf', 'prefixItems', 'items']);
const NAMED = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);

type Node = Readonly<Record<string, unknown>>;

/** A JSON schema of bounded size whose references point into itself. */
export const JsonSchema = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  const fault = faultOf(schema);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** The first rule a schema breaks, as a clause, or undefined. */
function faultOf(root: Node): string | undefined {
  const waiting: { node: unknown; level: number }[] = [{ node: root, level: 1 }];
  const anchors = new Set<string>();
  const references: string[] = [];
  let subschemas = 0;
  let enum_values = 0;
  let chars = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, level } = next;
    if (typeof node === 'boolean') continue;
    if (!isNode(node)) return 'must have an object, true or false wherever a schema belongs';
    if (level > MAX_LEVELS) return `must nest at most ${MAX_LEVELS} schemas in each other`;
    if (++subschemas > MAX_SUBSCHEMAS) return `must have at most ${MAX_SUBSCHEMAS} schemas`;
    const misshapen = shapeFault(node);
    if (misshapen !== undefined) return misshapen;
    if (typeof node.$ref === 'string') references.push(node.$ref);
    if (typeof node.$anchor === 'string') anchors.add(`#${node.$anchor}`);
    if (Array.isArray(node.enum)) enum_values += node.enum.length;
    if (enum_values > MAX_ENUM_VALUES) return `must have at most ${MAX_ENUM_VALUES} enum values`;
    chars += charsOf(node);
    if (chars > MAX_TEXT_CHARS)
      return `must have at most ${MAX_TEXT_CHARS} characters of names, enum and const values`;
    for (const child of childrenOf(node)) waiting.push({ node: child, level: level + 1 });
  }
  const lost = references.find((reference) => !anchors.has(reference) && !pointsInto(root, reference));
  return lost === undefined
    ? undefined
    : `has the $ref ${JSON.stringify(lost.slice(0, 80))}, which points to no schema in it: define it under $defs`;
}

const TYPES = new Set<unknown>(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);

/** The first keyword whose value is not of the kind that it takes. */
function shapeFault(node: Node): string | undefined {
  const { type, required } = node;
  if (type !== undefined && ![type].flat().every((one) => TYPES.has(one)))
    return `must have JSON types as type: ${[...TYPES].join(', ')}`;
  if (
    required !== undefined &&
    !(Array.isArray(required) && required.every((name) => typeof name === 'string'))
  )
    return 'must have a list of names as required';
  if (node.enum !== undefined && !Array.isArray(node.enum)) return 'must have a list of values as enum';
  if (node.$ref !== undefined && typeof node.$ref !== 'string') return 'must have a text as $ref';
  const list = ['oneOf', 'anyOf', 'allOf', 'prefixItems'].find(
    (keyword) => node[keyword] !== undefined && !Array.isArray(node[keyword]),
  );
  if (list !== undefined) return `must have a list of schemas as ${list}`;
  const named = [...NAMED].find((keyword) => node[keyword] !== undefined && !isNode(node[keyword]));
  return named === undefined ? undefined : `must have schemas by name as ${named}`;
}

function childrenOf(node: Node): unknown[] {
  return Object.entries(node).flatMap(([keyword, value]) => {
    if (LIST.has(keyword) && Array.isArray(value)) return value;
    // A draft 7 dependency may also be a list of names.
    if (NAMED.has(keyword) && isNode(value))
      return Object.values(value).filter((one) => keyword !== 'dependencies' || !Array.isArray(one));
    return ONE.has(keyword) ? [value] : [];
  });
}

function charsOf(node: Node): number {
  let chars = 0;
  for (const keyword of NAMED) {
    const named = node[keyword];
    if (isNode(named)) for (const name of Object.keys(named)) chars += name.length;
  }
  if (Array.isArray(node.enum))
    for (const value of node.enum) chars += typeof value === 'string' ? value.length : sizeOf(value);
  if (node.const !== undefined) chars += sizeOf(node.const);
  return chars;
}

function sizeOf(value: unknown): number {
  return JSON.stringify(value)?.length ?? 0;
}

/** Whether a reference of this document (RFC 6901 as a URI fragment) leads to a schema. */
function pointsInto(root: Node, reference: string): boolean {
  if (reference === '#') return true;
  if (!reference.startsWith('#/')) return false;
  let at: unknown = root;
  for (const part of decoded(reference.slice(2)).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false;
    at = (at as Node)[name];
  }
  return isNode(at) || typeof at === 'boolean';
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
