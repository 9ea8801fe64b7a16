import { PlatformError } from '@mcp/contracts';
import type { GbnfJsonSchema } from 'node-llama-cpp';

type Schema = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 32;
/**
 * Choices that the grammar holds open at once are looked at for every token: with these a token costs at most some
 * tens of milliseconds more, with ten times as many a short answer took ten seconds.
 */
const MAX_CHOICES = 500;
/** Schemas once alternatives are written out (`type: [a, b]` is one for each). */
const MAX_SCHEMAS = 2000;
/** Keywords that the grammar holds to, and those that only describe. */
const HELD = new Set([
  ...['type', 'properties', 'additionalProperties', 'required', 'minProperties', 'maxProperties'],
  ...['items', 'prefixItems', 'minItems', 'maxItems', 'minLength', 'maxLength', 'format', 'enum', 'const'],
  ...['oneOf', 'anyOf', '$ref', '$defs', 'definitions'],
  ...['description', 'title', 'default', 'examples', '$schema', '$id', '$comment', 'deprecated'],
]);
const FORMATS = new Set(['date-time', 'time', 'date']);

export interface SchemaOptions {
  /** The request field it came in, for errors. */
  readonly param: string;
  /** With OpenAI's `strict`, a keyword that cannot be held is refused; without, it is left out. */
  readonly strict: boolean;
}

/**
 * A JSON schema as llama.cpp's grammar understands it. What comes out is at least as narrow as what goes in, but for
 * keywords that no grammar can hold (`pattern`, `minimum`, …); see {@link SchemaOptions.strict}.
 * Throws `unsupported_parameter` naming the keyword.
 */
export function toGrammarSchema(schema: Schema, options: SchemaOptions): GbnfJsonSchema {
  // What is built here is one of the shapes of GbnfJsonSchema, whose type cannot be followed while building.
  return convert(schema, { ...options, spent: { schemas: 0, choices: 0 } }, []) as GbnfJsonSchema;
}

interface Conversion extends SchemaOptions {
  readonly spent: { schemas: number; choices: number };
}

function spend(options: Conversion, path: readonly string[], schema: Schema): void {
  const { spent } = options;
  for (const list of [schema.enum, schema.oneOf ?? schema.anyOf, schema.type])
    if (Array.isArray(list)) spent.choices += list.length;
  if (spent.choices > MAX_CHOICES) throw refused(options, path, `has more than ${MAX_CHOICES} choices`);
  if (++spent.schemas > MAX_SCHEMAS) throw refused(options, path, `has more than ${MAX_SCHEMAS} schemas`);
}

function convert(schema: unknown, options: Conversion, path: readonly string[]): Schema {
  if (schema === true) return {};
  if (!isObject(schema)) throw refused(options, path, 'must be a schema object');
  if (path.length > MAX_DEPTH) throw refused(options, path, `is nested deeper than ${MAX_DEPTH} levels`);
  spend(options, path, schema);
  for (const keyword of Object.keys(schema))
    if (options.strict && !HELD.has(keyword))
      throw refused(options, [...path, keyword], 'cannot be held to by the embedded models');
  const inner = (value: unknown, ...where: string[]) => convert(value, options, [...path, ...where]);
  const defs = schema.$defs ?? schema.definitions;
  const shared = isObject(defs)
    ? { $defs: mapValues(defs, (value, name) => inner(value, '$defs', name)) }
    : {};
  if (typeof schema.$ref === 'string') {
    const name = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(schema.$ref)?.[1];
    if (name !== undefined) return { ...shared, $ref: `#/$defs/${name}` };
    if (options.strict) throw refused(options, [...path, '$ref'], 'must point into #/$defs');
    return ANYTHING;
  }
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(alternatives))
    return {
      ...shared,
      oneOf: alternatives.map((one, at) => inner(withSiblings(one, schema), 'oneOf', String(at))),
    };
  if ('const' in schema) return { const: schema.const };
  if (Array.isArray(schema.enum)) return { enum: schema.enum };
  if (Array.isArray(schema.type))
    return { ...shared, oneOf: schema.type.map((type) => inner({ ...schema, type }, String(type))) };
  return { ...shared, ...typed(schema, options, { path, inner }) };
}

/** An alternative with what stands beside it, which holds for each of them: `properties` beside `anyOf` is common. */
function withSiblings(alternative: unknown, schema: Schema): unknown {
  const { $defs: _shared, definitions: _old, ...rest } = schema;
  const { [schema.oneOf == null ? 'anyOf' : 'oneOf']: _alternatives, ...siblings } = rest;
  if (alternative === true) return siblings;
  if (!isObject(alternative)) return alternative;
  const properties =
    isObject(siblings.properties) && isObject(alternative.properties)
      ? { properties: { ...siblings.properties, ...alternative.properties } }
      : {};
  return { ...siblings, ...alternative, ...properties };
}

interface Walk {
  readonly path: readonly string[];
  inner(value: unknown, ...where: string[]): Schema;
}

function typed(schema: Schema, options: Conversion, { path, inner }: Walk): Schema {
  const described = typeof schema.description === 'string' ? { description: schema.description } : {};
  switch (schema.type ?? (isObject(schema.properties) ? 'object' : undefined)) {
    case 'object': {
      const extra = schema.additionalProperties;
      const open = extra === undefined ? schema.properties === undefined : extra === true;
      return {
        type: 'object',
        ...described,
        ...(isObject(schema.properties)
          ? { properties: mapValues(schema.properties, (value, name) => inner(value, name)) }
          : {}),
        additionalProperties: isObject(extra) ? inner(extra, 'additionalProperties') : open,
        ...pick(schema, ['minProperties', 'maxProperties']),
      };
    }
    case 'array':
      return {
        type: 'array',
        ...described,
        ...(schema.items === undefined ? {} : { items: inner(schema.items, 'items') }),
        ...(Array.isArray(schema.prefixItems)
          ? { prefixItems: schema.prefixItems.map((item, at) => inner(item, `prefixItems.${at}`)) }
          : {}),
        ...pick(schema, ['minItems', 'maxItems']),
      };
    case 'string':
      if (typeof schema.format === 'string' && FORMATS.has(schema.format))
        return { type: 'string', ...described, format: schema.format };
      if (options.strict && schema.format !== undefined)
        throw refused(options, [...path, 'format'], `knows ${[...FORMATS].join(', ')} only`);
      return { type: 'string', ...described, ...pick(schema, ['minLength', 'maxLength']) };
    case 'number':
    case 'integer':
    case 'boolean':
    case 'null':
      return { type: schema.type, ...described };
    case undefined:
      return ANYTHING;
    default:
      throw refused(
        options,
        [...path, 'type'],
        `is '${String(schema.type).slice(0, 40)}', which is no JSON type`,
      );
  }
}

/** Any JSON value: what a schema without a type allows. */
const ANYTHING: Schema = {
  oneOf: [
    { type: ['string', 'number', 'boolean', 'null'] },
    { type: 'object', additionalProperties: true },
    { type: 'array' },
  ],
};

function refused(options: SchemaOptions, path: readonly string[], why: string): PlatformError {
  const where = path.length === 0 ? 'the schema' : path.join('.');
  return new PlatformError(
    'unsupported_parameter',
    `${options.param}: ${where} ${why}. Use type, properties, items, enum, const, oneOf, $ref and lengths, or leave strict out.`,
    { param: options.param },
  );
}

function pick(schema: Schema, names: readonly string[]): Schema {
  return Object.fromEntries(
    names.flatMap((name) => (Number.isInteger(schema[name]) ? [[name, schema[name]]] : [])),
  );
}

function mapValues(object: Schema, map: (value: unknown, key: string) => Schema): Schema {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
