/** The tables of routes: of the public interface and of the internal ones. */
import { describe, expect, it } from 'vitest';
import {
  coreEndpoints,
  type Endpoint,
  ERROR_CODES,
  modelGatewayEndpoints,
  PUBLIC_ROUTES,
  type PublicRoute,
  ServiceName,
  TAGS,
  taskEngineEndpoints,
} from '../src/index.ts';
import { expectAccepted } from './support.ts';

const ROUTES = Object.entries(PUBLIC_ROUTES) as [string, PublicRoute][];
const paramsOf = (path: string) => [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');

describe.each(ROUTES)('%s', (route, row) => {
  it('says each parameter of its path in words, and no other', () => {
    expect(Object.keys(row.params ?? {}).sort()).toEqual(paramsOf(route).sort());
    for (const words of Object.values(row.params ?? {})) expect(words).toMatch(/\S/);
  });

  it('has an example that its own schema takes', () => {
    if (row.body !== undefined) expectAccepted(row.body.schema, row.body.example);
    expect(route.startsWith('POST ') || row.body === undefined).toBe(true);
  });

  it('answers, each way once, and in words', () => {
    expect(row.answers.length).toBeGreaterThan(0);
    const kinds = row.answers.map(({ status, content_type }) => `${status} ${content_type}`);
    expect(new Set(kinds).size).toBe(kinds.length);
    for (const { description } of row.answers) expect(description).toMatch(/\.$/);
  });

  it('belongs to a part of the page, knows codes of the table alone, and each of them once', () => {
    expect(Object.keys(TAGS)).toContain(row.tag);
    for (const code of row.codes ?? []) expect(Object.hasOwn(ERROR_CODES, code)).toBe(true);
    expect(new Set(row.codes).size).toBe((row.codes ?? []).length);
  });

  it('is for those with a scope where it asks models or is of an administrator', () => {
    if (row.asks_models === true) expect(row.scope).toBe('chat');
    if (row.tag === 'admin') expect(row.scope).toBe('admin');
    if (row.tag === 'openai') expect(row.errors).toBe('openai');
    if (row.tag === 'anthropic') expect(row.errors).toBe('anthropic');
  });
});

it('one name of the document is one schema', () => {
  const known = new Map<string, unknown>();
  const named = ROUTES.flatMap(([, { body, answers }]) => [
    ...(body === undefined ? [] : [body]),
    ...answers.flatMap((answer) => answer.body ?? []),
  ]);
  for (const { name, schema } of named) {
    expect(known.get(name) ?? schema, name).toBe(schema);
    known.set(name, schema);
  }
  expect(known.size).toBeGreaterThan(20);
});

const INTERNAL: [string, Endpoint][] = Object.entries({
  core: coreEndpoints,
  'model-gateway': modelGatewayEndpoints,
  'task-engine': taskEngineEndpoints,
}).flatMap(([service, endpoints]) =>
  Object.entries(endpoints).map(([name, endpoint]): [string, Endpoint] => [`${service}.${name}`, endpoint]),
);

describe.each(INTERNAL)('%s', (name, endpoint) => {
  it('is under /internal, with at most one parameter, which is checked', () => {
    expect(endpoint.path).toMatch(/^\/internal\/[a-z]/);
    const params = paramsOf(endpoint.path);
    expect(params.length).toBe(endpoint.param === undefined ? 0 : 1);
  });

  it('takes a body where it is posted alone', () => {
    if (endpoint.method === 'GET') expect(endpoint.body).toBeUndefined();
    if (endpoint.max_body_bytes !== undefined) expect(endpoint.body).toBeDefined();
  });

  it('is asked by services that there are, and never by its own', () => {
    expect(endpoint.callers.length).toBeGreaterThan(0);
    for (const caller of endpoint.callers) expectAccepted(ServiceName, caller);
    expect(endpoint.callers).not.toContain(name.split('.')[0]);
  });
});

it('no two endpoints of a service are one route', () => {
  for (const endpoints of [coreEndpoints, modelGatewayEndpoints, taskEngineEndpoints]) {
    const routes = Object.values<Endpoint>(endpoints).map(
      ({ method, path }) => `${method} ${path.replace(/:\w+/, ':')}`,
    );
    expect(new Set(routes).size).toBe(routes.length);
  }
});
