/** The public interface as an OpenAPI 3.1 document, made from its table. */
import {
  ERROR_CODES,
  type ErrorCode,
  type PublicAnswer,
  type PublicRoute,
  type PublicRoutes,
  TAGS,
} from '@mcp/contracts';
import { z } from 'zod';
import { ERROR_SCHEMAS, HEADERS, PARAMETERS } from './common.ts';

type Json = Readonly<Record<string, unknown>>;

/** As much of a document as the page reads of it. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Json>>;
  readonly servers: readonly Json[];
}

interface Content {
  readonly [type: string]: { readonly schema: Json; readonly example?: unknown };
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Json[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly headers?: Json; readonly content?: Content }>
  >;
}

export function openApiDocument(routes: PublicRoutes, version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  const schemas: Record<string, Json> = { ...ERROR_SCHEMAS };
  for (const [route, row] of Object.entries(routes)) {
    const { method, path } = placeOf(route);
    paths[path] = { ...paths[path], [method]: operation(route, row) };
    if (row.body !== undefined) schemas[row.body.name] = schemaOf(row.body.schema, 'input');
    for (const { body } of row.answers)
      if (body !== undefined) schemas[body.name] = schemaOf(body.schema, 'output');
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Multi-Component Platform',
      version,
      description:
        'The public interface of the gateway. Keys go as `authorization: Bearer …` or `x-api-key`; `npx mcp key` tells the one of a platform on your machine.',
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a token of OpenID Connect.' },
        key: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'An API key.' },
      },
    },
  };
}

/** `GET /v1/jobs/:id` as OpenAPI has it: `get`, `/v1/jobs/{id}`. */
function placeOf(route: string): { readonly method: string; readonly path: string } {
  const [method = '', path = ''] = route.split(' ');
  return { method: method.toLowerCase(), path: path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}') };
}

function operation(route: string, row: PublicRoute): Operation {
  const parameters = parametersOf(row);
  return {
    operationId: nameOf(route),
    tags: [row.tag],
    summary: row.summary,
    ...(row.description === undefined ? {} : { description: row.description }),
    // Roles in the list are what the key needs (OpenAPI 3.1, 4.8.30).
    security: row.scope === undefined ? [] : [{ bearer: [row.scope] }, { key: [row.scope] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(row.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: refTo(row.body.name), example: row.body.example } },
          },
        }),
    responses: { ...answersOf(row), ...refusalsOf(row) },
  };
}

/** `getV1JobsById`: each route has its own, for clients that are generated. */
function nameOf(route: string): string {
  const words = route
    .replaceAll(/:(\w+)(\{[^}]*\})?/g, 'by $1')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return words
    .map((word, at) => (at === 0 ? word.toLowerCase() : `${word.charAt(0).toUpperCase()}${word.slice(1)}`))
    .join('');
}

function refTo(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** What may be sent, or what is answered; an answer may get fields that are new. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ jsonSchema }) {
      if (jsonSchema['x-type-optional'] === true)
        jsonSchema.required = jsonSchema.required?.filter((name) => name !== 'type') ?? [];
      if (io === 'output' && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
    },
  });
  return rest;
}

function parametersOf(row: PublicRoute): Json[] {
  const query = row.query === undefined ? {} : schemaOf(row.query, 'input');
  const { properties = {} } = query as { properties?: Readonly<Record<string, Json>> };
  const text = { type: 'string' };
  return [
    ...Object.entries(row.params ?? {}).map(([name, description]) => ({
      ...{ name, in: 'path', required: true, description, schema: text },
    })),
    ...Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema })),
    ...Object.entries(row.headers ?? {}).map(([name, description]) => ({
      ...{ name, in: 'header', description, schema: text },
    })),
    ...Object.keys(row.asks_models === true ? PARAMETERS : {}).map((name) => ({
      $ref: `#/components/parameters/${name}`,
    })),
  ];
}

/** Headers of answers that models have a part in. */
const FOR_MODELS: ReadonlySet<string> = new Set([
  'x-mcp-context',
  'x-mcp-ignored-fields',
  'x-mcp-safety',
  'x-mcp-pii',
  'x-mcp-risk',
]);

/** What goes well, by status; one status may have several forms. */
function answersOf(row: PublicRoute): Operation['responses'] {
  const names = Object.keys(HEADERS).filter((name) => row.asks_models === true || !FOR_MODELS.has(name));
  const headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  const responses: Record<string, Operation['responses'][string]> = {};
  for (const answer of row.answers) {
    const before = responses[answer.status];
    const content = { ...before?.content, ...contentOf(answer) };
    responses[answer.status] = {
      description: before === undefined ? answer.description : `${before.description} ${answer.description}`,
      ...(row.scope === undefined ? {} : { headers }),
      ...(Object.keys(content).length === 0 ? {} : { content }),
    };
  }
  return responses;
}

function contentOf({ content_type, body }: PublicAnswer): Content {
  if (content_type === undefined) return {};
  return { [content_type]: { schema: body === undefined ? { type: 'string' } : refTo(body.name) } };
}

/** What every caller can meet, and what there is beside by what a route takes and does. */
const ALWAYS = ['headers_too_large', 'internal', 'uri_too_long'] as const;
const KEYED = ['unauthenticated', 'forbidden', 'wrong_region', 'rate_limited', 'unavailable'] as const;
const BODY = [
  'invalid_request',
  'invalid_json',
  'request_timeout',
  'payload_too_large',
  'unsupported_media_type',
] as const;
const MODELS = [
  'model_not_found',
  'unsupported_parameter',
  'context_length_exceeded',
  'overloaded',
  'upstream_failed',
  'upstream_interrupted',
  'deadline_exceeded',
] as const;

function codesOf(row: PublicRoute): readonly ErrorCode[] {
  return [
    ...ALWAYS,
    ...(row.scope === undefined ? [] : KEYED),
    ...(row.body === undefined ? [] : BODY),
    ...(row.query === undefined ? [] : (['invalid_request'] as const)),
    ...(row.params === undefined ? [] : (['invalid_request', 'not_found'] as const)),
    ...(row.asks_models === true ? MODELS : []),
    ...(row.codes ?? []),
  ];
}

const SHAPES = {
  problem: { type: 'application/problem+json', schema: 'Problem' },
  openai: { type: 'application/json', schema: 'OpenAiError' },
  anthropic: { type: 'application/json', schema: 'AnthropicError' },
} as const satisfies Record<NonNullable<PublicRoute['errors']> | 'problem', unknown>;

function refusalsOf(row: PublicRoute): Operation['responses'] {
  const by_status = new Map<number, Set<ErrorCode>>();
  for (const code of codesOf(row)) {
    const { status } = ERROR_CODES[code];
    by_status.set(status, (by_status.get(status) ?? new Set()).add(code));
  }
  const { type, schema } = SHAPES[row.errors ?? 'problem'];
  return Object.fromEntries(
    [...by_status].map(([status, codes]) => [
      status,
      {
        description: [...codes].map((code) => `${ERROR_CODES[code].title} (\`${code}\`)`).join('; '),
        content: { [type]: { schema: refTo(schema) } },
      },
    ]),
  );
}
