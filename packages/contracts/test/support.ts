/** What the tables of accepted and refused values are checked with. */
import { describe, expect, it } from 'vitest';
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

export const UUID = '0194f0c2-0000-7000-8000-000000000001';
export const AT = '2026-11-28T12:00:00.000Z';

/** What stands and does not stand at a place. */
export interface Values {
  readonly right: readonly unknown[];
  readonly wrong: readonly unknown[];
}

export const WHOLE: Values = { right: [0, 1, 1e6], wrong: [-1, 0.5, '1', null] };
export const DATE: Values = { right: [AT, '2026-11-28T12:00:00Z'], wrong: ['2026-11-28', 'now', 1, ''] };
export const AN_ID: Values = { right: [UUID], wrong: ['', 'x', `${UUID}0`, UUID.replaceAll('-', '')] };

/** A schema, a value that it takes, and by place what may stand there instead. */
export type Fields = readonly [name: string, schema: z.ZodType, base: object, fields: Record<string, Values>];

/** Tests of each place, and that what was read is read the same again. */
export function describeFields(table: readonly Fields[]): void {
  describe.each(table)('%s', (_, schema, base, fields) => {
    it.each(Object.entries(fields))('has its %s within its bounds', (at, { right, wrong }) => {
      const path = at.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
      expectAccepted(schema, base);
      for (const value of right) expectAccepted(schema, withAt(base, path, value));
      for (const value of wrong) expectRefused(schema, withAt(base, path, value), at.split('.').at(-1) ?? '');
    });

    it('is read the same again, also after a way as JSON', () => {
      const once = schema.parse(base);
      // A query is text, and is read once.
      const again = schema.safeParse(JSON.parse(JSON.stringify(once)));
      if (again.success) expect(again.data).toEqual(once);
      else expect(base).toEqual({});
    });
  });
}
