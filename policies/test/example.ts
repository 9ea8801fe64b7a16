/** How a rule's examples are written: `rules/<name>/examples.ts`. */
import type { paramsOf } from '../params.ts';
import { container, running } from './objects.ts';

/** An object and what a rule holds against it, one detail per violation; none: it passes. */
export interface Example {
  readonly what: string;
  readonly object: unknown;
  readonly refused: readonly string[];
  readonly params?: ReturnType<typeof paramsOf>;
  readonly all?: readonly unknown[];
}
export const passes = (what: string, object: unknown, more: Partial<Example> = {}): Example => ({
  what,
  object,
  refused: [],
  ...more,
});
export const fails = (
  object: unknown,
  refused: string | readonly string[],
  more: Partial<Example> = {},
): Example => ({
  what: [refused].flat().join('; '),
  object,
  refused: [refused].flat(),
  ...more,
});
export const image = (reference: string) => running(container({ image: reference }));
export const selector = (operator: string, values?: string[]) => ({
  matchExpressions: [{ key: 'app.kubernetes.io/name', operator, ...(values && { values }) }],
});
