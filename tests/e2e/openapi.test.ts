/** The document at /openapi.json is OpenAPI 3.1, and says what the running gateway does. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SAMPLES } from './input/routes.ts';
import { type Surface, startSurface } from './input/surface.ts';

const Content = z.record(z.string(), z.object({ schema: z.json(), example: z.json().optional() }));
const Operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z
    .array(z.object({ name: z.string().optional(), in: z.string().optional(), $ref: z.string().optional() }))
    .default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ content: Content.default({}) })),
});
type Operation = z.infer<typeof Operation>;
const Document = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), z.json()) }),
});

let surface: Surface;
let document: z.infer<typeof Document>;
let given: unknown;
let ajv: Ajv2020;
beforeAll(async () => {
  surface = await startSurface();
  given = await (await fetch(`${surface.url}/openapi.json`)).json();
  document = Document.parse(given);
  ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  ajv.addSchema({ $id: 'doc', components: document.components } as AnySchema);
});
afterAll(() => surface?.stop());

/** `GET /v1/jobs/:id` as the document has it. */
function operationOf(route: string): Operation {
  const [method = '', path = ''] = route.split(' ');
  const found = document.paths[path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}')]?.[method.toLowerCase()];
  if (found === undefined) throw new Error(`the document has no ${route}`);
  return found;
}

/** What of a value does not fit a schema of the document. */
function faults(schema: unknown, value: unknown): unknown {
  const inside = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"doc#/')) as AnySchema;
  const validate = ajv.compile(inside);
  return validate(value) ? null : validate.errors;
}

function typeOf(answer: Response): string {
  return (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
}

it('is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(z.record(z.string(), z.unknown()).parse(given));
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
});

it('has every route of the gateway, and no other', () => {
  const served = surface.shipped.routes
    .filter(({ service }) => service === 'gateway')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual([...new Set(served)].sort());
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

describe.each(Object.entries(SAMPLES))('%s', (route, { scope, body, query }) => {
  it('asks for the scope and takes the parameters that the document says', () => {
    const { security, parameters } = operationOf(route);
    expect(security.flatMap(Object.values).flat()).toEqual(scope === undefined ? [] : [scope, scope]);
    const names = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
    expect(names.sort()).toEqual([...(query ?? [])].sort());
  });

  it('takes the body that the document describes', () => {
    const { content = {} } = operationOf(route).requestBody ?? {};
    expect(Object.keys(content)).toEqual(body === undefined ? [] : ['application/json']);
    const described = content['application/json'];
    if (described === undefined) return;
    expect(faults(described.schema, body)).toBeNull();
    expect(faults(described.schema, described.example)).toBeNull();
    // What is no body is none to the document either, where its schema knows its fields.
    if (route !== 'POST /v1/verify') expect(faults(described.schema, { ...body, frob: 1 })).not.toBeNull();
  });
});

it.each(Object.entries(SAMPLES).filter(([, { scope }]) => scope !== undefined))(
  '%s refuses a stranger in the shape that the document has',
  async (route, { path }) => {
    const [method = ''] = route.split(' ');
    const answer = await fetch(`${surface.url}${path(surface)}`, { method });
    expect(answer.status).toBe(401);
    const described = operationOf(route).responses['401']?.content[typeOf(answer)];
    expect(faults(described?.schema, await answer.json())).toBeNull();
  },
);

it.each(Object.entries(SAMPLES).filter(([route]) => /^(GET|POST) /.test(route) && route !== 'GET /ws'))(
  '%s answers as the document says',
  async (route, { path, body }) => {
    const [method = ''] = route.split(' ');
    const answer = await surface.ask(path(surface), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const { responses } = operationOf(route);
    expect(Object.keys(responses), text).toContain(String(answer.status));
    const content = responses[String(answer.status)]?.content ?? {};
    const described = content[typeOf(answer)] ?? content['*/*'];
    if (answer.status === 204) expect(content).toEqual({});
    else expect(described, `${answer.status} ${typeOf(answer)}`).toBeDefined();
    if (typeOf(answer).endsWith('json')) expect(faults(described?.schema, JSON.parse(text)), text).toBeNull();
  },
);

describe('streams', () => {
  it.each([
    ['POST /v1/chat/completions', '/v1/chat/completions'],
    ['POST /v1/completions', '/v1/completions'],
    ['POST /v1/messages', '/v1/messages'],
    ['POST /chat', '/chat'],
  ])('of %s have the events that the document describes', async (route, path) => {
    const example = operationOf(route).requestBody?.content['application/json']?.example as object;
    const model = path === '/chat' ? {} : { model: 'tiny-chat' };
    const answer = await surface.ask(path, {
      method: 'POST',
      body: JSON.stringify({ ...example, ...model, stream: true }),
    });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const data = [...(await answer.text()).matchAll(/^data: (\{.*\})$/gm)].map(([, one = '']) => one);
    expect(data.length).toBeGreaterThan(1);
    const schema = operationOf(route).responses['200']?.content['text/event-stream']?.schema;
    for (const one of data) expect(faults(schema, JSON.parse(one)), one).toBeNull();
  });
});

describe('the page at /docs', () => {
  it('has every operation and schema, and loads nothing', async () => {
    const answer = await fetch(`${surface.url}/docs`);
    const page = await answer.text();
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'/,
    );
    for (const methods of Object.values(document.paths))
      for (const { operationId, summary } of Object.values(methods)) {
        expect(page).toContain(`id="${operationId}"`);
        expect(page).toContain(summary.replaceAll("'", '&#39;'));
      }
    for (const name of Object.keys(document.components.schemas))
      expect(page).toContain(`id="schema-${name}"`);
    expect(page).not.toMatch(/<script|src=|url\(|@import|https?:|style="/);
    for (const [, target = ''] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${target}"`);
  });
});
