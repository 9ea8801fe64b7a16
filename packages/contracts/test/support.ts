/** What the tables of accepted and refused values are checked with. */
import { expect } from 'vitest';
import type { z } from 'zod';

type Path = readonly (string | number)[];

/** A copy of a JSON value with another value at a path; `undefined` takes the field away. */
export function withAt(base: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(base)) return base.map((item, at) => (at === key ? withAt(item, rest, value) : item));
  const known = typeof base === 'object' && base !== null ? base : {};
  const inner: unknown = Object.hasOwn(known, key) ? Reflect.get(known, key) : undefined;
  return { ...known, [key]: withAt(inner, rest, value) };
}

/** What a schema has against a value: `path: message`, the issues of every branch of a union too. */
function faultsOf(schema: z.ZodType, value: unknown): string[] {
  return schema.safeParse(value).error?.issues.flatMap((issue) => textsOf(issue, [])) ?? [];
}

type Issue = z.core.$ZodIssue;

function textsOf(issue: Issue, before: readonly PropertyKey[]): string[] {
  const path = [...before, ...issue.path];
  const here = `${path.map(String).join('.')}: ${issue.message}`;
  const inner = issue.code === 'invalid_union' ? issue.errors.flat() : [];
  return [here, ...inner.flatMap((one) => textsOf(one, path))];
}

export function expectAccepted(schema: z.ZodType, value: unknown): void {
  expect(faultsOf(schema, value)).toEqual([]);
}

/** Refused, with a fault that has this text in it (place or message). */
export function expectRefused(schema: z.ZodType, value: unknown, fault: string): void {
  const faults = faultsOf(schema, value);
  expect(faults.length, 'it was accepted').toBeGreaterThan(0);
  expect(faults.join('\n')).toContain(fault);
}
