/** JSON schemas in requests: bounded in depth, number and text, of the right shape, with references into themselves alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseFormat, Tool } from '../src/index.ts';
import { JsonSchema } from '../src/models/json-schema.ts';
import { expectAccepted, expectRefused } from './support.ts';

const taken = (schema: unknown) => expectAccepted(JsonSchema, schema);
const refused = (schema: unknown, fault: string) => expectRefused(JsonSchema, schema, fault);

/** A schema within schemas, each held by one of these keywords. */
const HOLDERS: Readonly<Record<string, (inner: unknown) => object>> = {
  items: (inner) => ({ items: inner }),
  'items of draft 7': (inner) => ({ items: [true, inner] }),
  additionalItems: (inner) => ({ additionalItems: inner }),
  additionalProperties: (inner) => ({ additionalProperties: inner }),
  unevaluatedItems: (inner) => ({ unevaluatedItems: inner }),
  unevaluatedProperties: (inner) => ({ unevaluatedProperties: inner }),
  not: (inner) => ({ not: inner }),
  contains: (inner) => ({ contains: inner }),
  propertyNames: (inner) => ({ propertyNames: inner }),
  if: (inner) => ({ if: inner }),
  ...Object.fromEntries(
    ['then'].map((word) => [word, (inner: unknown) => Object.fromEntries([[word, inner]])]),
  ),
  else: (inner) => ({ else: inner }),
  contentSchema: (inner) => ({ contentSchema: inner }),
  oneOf: (inner) => ({ oneOf: [{}, inner] }),
  anyOf: (inner) => ({ anyOf: [inner] }),
  allOf: (inner) => ({ allOf: [inner] }),
  prefixItems: (inner) => ({ prefixItems: [{}, inner] }),
  properties: (inner) => ({ properties: { a: inner } }),
  patternProperties: (inner) => ({ patternProperties: { '^a': inner } }),
  $defs: (inner) => ({ $defs: { a: inner } }),
  definitions: (inner) => ({ definitions: { a: inner } }),
  dependentSchemas: (inner) => ({ dependentSchemas: { a: inner } }),
  dependencies: (inner) => ({ dependencies: { a: inner, b: ['a'] } }),
};

function nested(levels: number, hold: (inner: unknown) => object): object {
  let schema: object = { type: 'string' };
  for (let level = 1; level < levels; level++) schema = hold(schema);
  return schema;
}

describe.each(Object.entries(HOLDERS))('a schema under %s', (_, hold) => {
  it('nests 32 deep and no deeper', () => {
    taken(nested(32, hold));
    refused(nested(33, hold), 'must nest at most 32 schemas');
  });

  it('is looked at: its type and its references too', () => {
    refused(hold({ type: 'text' }), 'must have JSON types as type');
    refused(hold({ $ref: '#/$defs/gone' }), 'points to no schema in it');
    taken(hold({ type: ['integer', 'null'] }));
    taken(hold(true));
  });
});

describe('its size', () => {
  const properties = (count: number) => ({
    properties: Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, {}])),
  });

  it('is at most 5,000 schemas, wherever they are', () => {
    taken(properties(4999));
    refused(properties(5000), 'must have at most 5000 schemas');
    refused({ anyOf: Array.from({ length: 10 }, () => properties(600)) }, 'must have at most 5000 schemas');
  });

  it('is at most 1,000 values of all enums together', () => {
    const values = (count: number) => ({ enum: Array.from({ length: count }, (_, at) => at) });
    taken({ anyOf: [values(500), values(500)] });
    refused({ anyOf: [values(500), values(501)] }, 'must have at most 1000 enum values');
  });

  it.each<[string, (text: string) => object]>([
    ['names', (text) => ({ properties: { [text]: {} } })],
    ['values of an enum', (text) => ({ enum: [text] })],
    ['the name of a definition', (text) => ({ $defs: { [text]: {} } })],
  ])('is at most 120,000 characters of %s', (_, schema) => {
    taken(schema('a'.repeat(120_000)));
    refused(schema('a'.repeat(120_001)), 'must have at most 120000 characters');
  });

  it('counts a const as its JSON', () => {
    taken({ const: 'a'.repeat(119_998) });
    refused({ const: 'a'.repeat(119_999) }, 'must have at most 120000 characters');
    refused({ enum: [{ deep: ['a'.repeat(120_000)] }] }, 'must have at most 120000 characters');
  });

  it('does not count what is no part of the work: descriptions', () => {
    taken({ description: 'a'.repeat(500_000) });
  });
});

describe('its shape', () => {
  it.each<[string, object, string]>([
    [
      'a type that JSON does not have',
      { type: 'date' },
      'object, array, string, number, integer, boolean, null',
    ],
    ['a type that is none', { type: null }, 'JSON types as type'],
    ['a list with a type that JSON does not have', { type: ['string', 'int'] }, 'JSON types as type'],
    ['required as a switch', { required: true }, 'a list of names as required'],
    ['required with something else', { required: ['a', 1] }, 'a list of names as required'],
    ['an enum that is no list', { enum: 'a' }, 'a list of values as enum'],
    ['a reference that is no text', { $ref: 1 }, 'a text as $ref'],
    ['anyOf that is no list', { anyOf: {} }, 'a list of schemas as anyOf'],
    ['oneOf that is no list', { oneOf: {} }, 'a list of schemas as oneOf'],
    ['allOf that is no list', { allOf: {} }, 'a list of schemas as allOf'],
    ['prefixItems that is no list', { prefixItems: {} }, 'a list of schemas as prefixItems'],
    ['properties that are a list', { properties: [] }, 'schemas by name as properties'],
    ['definitions that are a text', { $defs: 'x' }, 'schemas by name as $defs'],
    ['patternProperties that are null', { patternProperties: null }, 'schemas by name as patternProperties'],
  ])('may not be %s', (_, schema, fault) => {
    refused(schema, fault);
    refused({ properties: { deep: schema } }, fault);
  });

  it('is an object', () => {
    for (const schema of [true, null, [], 'object', 1])
      expect(JsonSchema.safeParse(schema).success).toBe(false);
  });

  it('is looked at wherever a request holds one', () => {
    const bad = { type: 'date' };
    expectRefused(
      Tool,
      { type: 'function', function: { name: 'f', parameters: bad } },
      'function.parameters',
    );
    expectRefused(
      ResponseFormat,
      { type: 'json_schema', json_schema: { name: 'n', schema: bad } },
      'json_schema.schema',
    );
  });
});

describe('a reference', () => {
  const defs = { $defs: { a: { type: 'string' }, 'b/c': {}, 'd~e': {}, 'ü x': true } };
  it.each([
    '#',
    '#/$defs/a',
    '#/$defs/b~1c',
    '#/$defs/d~0e',
    '#/$defs/%C3%BC%20x',
    '#/$defs/ü x',
    '#/properties/self',
    '#here',
  ])('%s leads to a schema', ($ref) => {
    taken({ ...defs, properties: { self: { $ref }, here: { $anchor: 'here' } } });
  });

  it.each([
    'https://example.com/schema.json',
    'other.json#/$defs/a',
    'file:///etc/passwd',
    '#/$defs/gone',
    '#/$defs/a/type',
    '#/$defs/__proto__',
    '#/constructor',
    '#/toString',
    '#/required/0',
    '#%',
    '#there',
    '',
  ])('%s leads to none', ($ref) => {
    refused(
      { ...defs, required: ['a'], properties: { self: { $ref }, here: { $anchor: 'here' } } },
      'points to no schema',
    );
  });

  it('is told cut short and quoted', () => {
    const [issue] = JsonSchema.safeParse({ $ref: `"${'x'.repeat(5000)}` }).error?.issues ?? [];
    expect(issue?.message.length).toBeLessThan(200);
    expect(issue?.message).toContain('\\"xxx');
  });

  it('round a circle is followed once', () => {
    taken({ $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' });
  });
});

it('whatever JSON comes, it is judged and never thrown at', () => {
  const key = fc.oneof(
    fc.constantFrom(...Object.keys(HOLDERS), 'type', 'enum', 'const', '$ref', 'required'),
    fc.string().filter((name) => name !== '__proto__'),
  );
  const { schema } = fc.letrec<{ schema: unknown; value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 0 }),
      fc.array(tie('schema'), { maxLength: 3 }),
      tie('schema'),
    ),
    schema: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  }));
  fc.assert(
    fc.property(schema, (value) => {
      const read = JsonSchema.safeParse(value);
      if (read.success) expect(read.data).toEqual(value);
      else expect(read.error.issues[0]?.message).toMatch(/^(must|has|Invalid)/);
    }),
  );
});
