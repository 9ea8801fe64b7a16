import { PlatformError } from '@mcp/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toGrammarSchema } from '../src/embedded/schema.ts';

type Schema = Readonly<Record<string, unknown>>;

const loose = { param: 'response_format', strict: false };
const strict = { param: 'response_format', strict: true };

const NAMES = ['a', 'b', 'name', '$x', 'with space', 'ünï'];
const name = fc.constantFrom(...NAMES);
const scalar = fc.oneof(fc.constantFrom('red', 'grün', ''), fc.integer({ min: -5, max: 5 }), fc.boolean());
const range = fc.tuple(fc.nat(3), fc.nat(3)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

/** Schemas of what the grammar holds to, with what stands beside alternatives. */
const { schema } = fc.letrec<{ schema: Schema; typed: Schema }>((tie) => {
  const properties = fc.dictionary(name, tie('schema'), { maxKeys: 3 });
  return {
    typed: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<Schema>({ type: 'boolean' }, { type: 'null' }, { type: 'number' }, { type: 'integer' }),
      range.map(([minLength, maxLength]) => ({ type: 'string', minLength, maxLength })),
      fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 }).map((values) => ({ enum: values })),
      scalar.map((value) => ({ const: value })),
      fc
        .tuple(tie('schema'), range)
        .map(([items, [minItems, maxItems]]) => ({ type: 'array', items, minItems, maxItems })),
      fc
        .tuple(properties, fc.boolean())
        .map(([all, open]) => ({ type: 'object', properties: all, additionalProperties: open })),
      properties.map((all) => ({ properties: all, type: 'object', required: Object.keys(all) })),
    ),
    schema: fc.oneof(
      { depthSize: 'small', maxDepth: 4 },
      tie('typed'),
      fc.array(tie('typed'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
      fc
        .uniqueArray(fc.constantFrom('string', 'null', 'integer'), { minLength: 1 })
        .map((type) => ({ type })),
      // What every alternative has to hold to stands beside them.
      fc.tuple(properties, fc.array(properties, { minLength: 1, maxLength: 2 })).map(([shared, own]) => ({
        type: 'object',
        properties: shared,
        anyOf: own.map((more) => ({ properties: { ...more, ...shared }, required: Object.keys(shared) })),
      })),
    ),
  };
});

/** Values that the library's grammar lets a model write: all properties are there, more only where it says so. */
function written(grammar: Schema): fc.Arbitrary<unknown> {
  if ('const' in grammar) return fc.constant(grammar.const);
  if (Array.isArray(grammar.enum)) return fc.constantFrom(...(grammar.enum as unknown[]));
  if (Array.isArray(grammar.oneOf)) return fc.oneof(...(grammar.oneOf as Schema[]).map(written));
  if (Array.isArray(grammar.type)) return fc.oneof(...grammar.type.map((type: string) => written({ type })));
  switch (grammar.type) {
    case 'string':
      return fc.string({
        minLength: Number(grammar.minLength ?? 0),
        maxLength: Number(grammar.maxLength ?? 4),
        unit: 'grapheme-ascii',
      });
    case 'integer':
      return fc.integer();
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(
        grammar.items === undefined ? fc.jsonValue({ maxDepth: 1 }) : written(grammar.items as Schema),
        {
          minLength: Number(grammar.minItems ?? 0),
          maxLength: Number(grammar.maxItems ?? 2),
        },
      );
    case 'object': {
      const own = Object.entries((grammar.properties ?? {}) as Record<string, Schema>);
      const more = grammar.additionalProperties;
      const extra = more === true || (typeof more === 'object' && more !== null);
      return fc
        .tuple(
          fc.record(Object.fromEntries(own.map(([key, value]) => [key, written(value)]))),
          extra
            ? fc.dictionary(
                fc.constantFrom('other', 'more'),
                more === true ? fc.jsonValue({ maxDepth: 1 }) : written(more as Schema),
              )
            : fc.constant({}),
        )
        .map(([all, others]) => ({ ...others, ...all }));
    }
    default:
      throw new Error(`the grammar has no ${JSON.stringify(grammar)}`);
  }
}

const ajv = new Ajv2020({ strict: false });
const accepts = (given: Schema, value: unknown) => ajv.validate(given, value);

const refusal = (given: Schema, options = strict) => {
  try {
    toGrammarSchema(given, options);
  } catch (error) {
    if (error instanceof PlatformError)
      return { code: error.code, param: error.param, message: error.message };
    throw error;
  }
  return undefined;
};

describe('the grammar of a JSON schema', () => {
  it.each([strict, loose])('lets a model write nothing that the schema refuses (%o)', (options) => {
    fc.assert(
      fc.property(
        schema.chain((given) =>
          fc.tuple(fc.constant(given), written(toGrammarSchema(given, options) as Schema)),
        ),
        ([given, value]) => {
          expect(accepts(given, value), JSON.stringify({ given, value, why: ajv.errors })).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each<[string, Schema, Schema]>([
    ['a schema that says nothing', {}, { oneOf: expect.any(Array) }],
    [
      'properties without a type',
      { properties: { a: { type: 'null' } } },
      { type: 'object', properties: { a: { type: 'null' } }, additionalProperties: false },
    ],
    ['an object of anything', { type: 'object' }, { type: 'object', additionalProperties: true }],
    [
      'an object that may have more',
      { type: 'object', properties: {}, additionalProperties: true },
      { type: 'object', properties: {}, additionalProperties: true },
    ],
    [
      'an object of others',
      { type: 'object', additionalProperties: { type: 'number' } },
      { type: 'object', additionalProperties: { type: 'number' } },
    ],
    [
      'numbers of properties',
      { type: 'object', minProperties: 1, maxProperties: 2 },
      { type: 'object', additionalProperties: true, minProperties: 1, maxProperties: 2 },
    ],
    ['true as a schema', { type: 'array', items: true }, { type: 'array', items: {} }],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'null' }] },
      { type: 'array', prefixItems: [{ type: 'null' }] },
    ],
    ['a date', { type: 'string', format: 'date' }, { type: 'string', format: 'date' }],
    [
      'a length that is no whole number',
      { type: 'string', minLength: '3', maxLength: 2.5 },
      { type: 'string' },
    ],
    ['words on it', { type: 'string', description: 'A name.' }, { type: 'string', description: 'A name.' }],
    ['a constant', { const: 5, type: 'number' }, { const: 5 }],
    ['values', { enum: ['a', null], type: ['string', 'null'] }, { enum: ['a', null] }],
    [
      'types',
      { type: ['string', 'null'], maxLength: 2 },
      { oneOf: [{ type: 'string', maxLength: 2 }, { type: 'null' }] },
    ],
    [
      'oneOf before anyOf',
      { oneOf: [{ type: 'null' }], anyOf: [{ description: 'x' }, {}] },
      { oneOf: [{ oneOf: [{ type: 'null', description: 'x' }, { type: 'null' }] }] },
    ],
    [
      'a reference',
      { $ref: '#/definitions/A', definitions: { A: { type: 'null' } } },
      { $ref: '#/$defs/A', $defs: { A: { type: 'null' } } },
    ],
    [
      'a reference of an alternative',
      { anyOf: [{ $ref: '#/$defs/A' }, { type: 'null' }], $defs: { A: { type: 'boolean' } } },
      { $defs: { A: { type: 'boolean' } }, oneOf: [{ $ref: '#/$defs/A' }, { type: 'null' }] },
    ],
    ['true among alternatives', { type: 'string', anyOf: [true] }, { oneOf: [{ type: 'string' }] }],
    [
      'what stands beside alternatives',
      {
        type: 'object',
        properties: { a: { type: 'null' } },
        anyOf: [{ required: ['a'] }, { properties: { b: { type: 'boolean' } } }],
      },
      {
        oneOf: [
          { type: 'object', properties: { a: { type: 'null' } }, additionalProperties: false },
          {
            type: 'object',
            properties: { a: { type: 'null' }, b: { type: 'boolean' } },
            additionalProperties: false,
          },
        ],
      },
    ],
  ])('has for %s', (_, given, grammar) => {
    expect(toGrammarSchema(given, strict)).toEqual(grammar);
  });

  it.each(['pattern', 'minimum', 'multipleOf', 'not', 'allOf', 'uniqueItems', 'patternProperties', 'if'])(
    'refuses %s where the caller wants every word of it held, and leaves it out otherwise',
    (keyword) => {
      const given = { type: 'object', properties: { a: { type: 'string', [keyword]: 'x' } } };
      expect(refusal(given)).toMatchObject({
        code: 'unsupported_parameter',
        param: 'response_format',
        message: expect.stringContaining(`a.${keyword} cannot be held to`),
      });
      expect(toGrammarSchema(given, loose)).toMatchObject({ properties: { a: { type: 'string' } } });
    },
  );

  const nested = (levels: number): Schema =>
    levels === 0 ? { type: 'null' } : { type: 'array', items: nested(levels - 1) };
  const texts = (count: number) => Array.from({ length: count }, (_, at) => `v${at}`);
  it.each<[string, Schema, typeof strict, RegExp]>([
    ['false', { type: 'array', items: false }, loose, /items must be a schema object/],
    ['a list for a schema', { properties: { a: [] } }, loose, /a must be a schema object/],
    ['null for an alternative', { anyOf: [null] }, loose, /oneOf\.0 must be a schema object/],
    ['an unknown type', { type: 'strin' }, loose, /type is 'strin', which is no JSON type/],
    ['a long type', { type: 'x'.repeat(100) }, loose, /type is 'x{40}', which/],
    [
      'a format that is not known',
      { type: 'string', format: 'email' },
      strict,
      /format knows date-time, time, date only/,
    ],
    [
      'a reference to elsewhere',
      { $ref: 'https://example.org/a' },
      strict,
      /\$ref must point into #\/\$defs/,
    ],
    ['too many levels', nested(40), loose, /is nested deeper than 32 levels/],
    ['too many values', { enum: texts(501) }, loose, /the schema has more than 500 choices/],
    [
      'too many values in sum',
      { properties: { a: { enum: texts(300) }, b: { enum: texts(300) } } },
      loose,
      /b has more than 500 choices/,
    ],
    [
      'too many schemas',
      { type: 'array', prefixItems: texts(2001).map(() => ({ type: 'null' })) },
      loose,
      /has more than 2000 schemas/,
    ],
  ])('refuses %s', (_, given, options, message) => {
    expect(refusal(given, options)).toMatchObject({
      code: 'unsupported_parameter',
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, Schema, Schema]>([
    ['a format', { type: 'string', format: 'email', minLength: 1 }, { type: 'string', minLength: 1 }],
    ['a reference to elsewhere', { $ref: '#/properties/a' }, { oneOf: expect.any(Array) }],
  ])('leaves out %s where the caller allows it', (_, given, grammar) => {
    expect(toGrammarSchema(given, loose)).toEqual(grammar);
  });

  it('is bounded in its work, however alternatives multiply', () => {
    const wide = {
      properties: Object.fromEntries(texts(40).map((key) => [key, { type: ['string', 'null'] }])),
    };
    const many = [1, 2, 3].reduce<Schema>(
      (inner) => ({ ...wide, anyOf: [inner, inner, inner, inner] }),
      wide,
    );
    expect(refusal(many, loose)?.message).toMatch(/has more than (500 choices|2000 schemas)/);
  });
});
