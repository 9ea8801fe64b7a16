import type { ModelBackend } from '@mcp/contracts';
import { z } from 'zod';

/** Reads a JSON value from an environment variable, with the variable's name in the error. */
export function jsonVariable<S extends z.ZodType>(name: string, schema: S) {
  return z.string().transform((text, context): z.output<S> => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: `${name} must be JSON` });
      return z.NEVER;
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    context.addIssue({
      code: 'custom',
      message: `${name}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'does not fit'}`,
    });
    return z.NEVER;
  });
}

/** Prices in US dollars per million tokens; a model without an entry has an unknown price, never a free one. */
export const Prices = z.record(
  z.string(),
  z.object({ input: z.number().nonnegative(), output: z.number().nonnegative() }),
);
export type Prices = z.infer<typeof Prices>;

/** A backend as the registry makes it, once per server. `Env` is the part of the environment it reads. */
export interface BackendFactory<S extends z.ZodObject = z.ZodObject> {
  readonly env: S;
  create(env: z.output<S>): readonly ModelBackend[];
}

/** Type-checks a factory where it is written. */
export function defineBackend<S extends z.ZodObject>(factory: BackendFactory<S>): BackendFactory<S> {
  return factory;
}
