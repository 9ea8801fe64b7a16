import type { z } from 'zod';

/** A manifest or stack that does not fit. It is a text for whoever wrote it: where in the code it was thrown says nothing. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';

  constructor(what: string, faults: readonly string[]) {
    super(`${what} does not fit:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** Checks what is written in code by its schema. Throws {@link DefinitionError} with every fault. */
export function define<S extends z.ZodType>(what: string, schema: S, value: z.input<S>): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DefinitionError(
    what,
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${messageOf(issue)}`),
  );
}

/** Of a name that does not fit, the rule of names. */
function messageOf(issue: z.core.$ZodIssue): string {
  const [named] = issue.code === 'invalid_key' ? issue.issues : [];
  return named?.message ?? issue.message;
}
