/** How texts of the environment become values: JSON and lists. */
import { z } from 'zod';

/** The value of a text of JSON; undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a text of JSON nests deeper than so many levels; to parse one that does can take the memory of many texts. */
export function nestsDeeper(text: string, levels: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 92) i++;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 123 || code === 91) {
      if (++depth > levels) return true;
    } else if (code === 125 || code === 93) depth--;
  }
  return false;
}

/** A JSON value; the message says which part of it does not fit. */
export function jsonText<S extends z.ZodType>(schema: S, hint = 'must be JSON') {
  return z.string().transform((text, context): z.output<S> => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: hint });
      return z.NEVER;
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') ?? '';
    context.addIssue({
      code: 'custom',
      message: `${where === '' ? '' : `${where}: `}${issue?.message ?? 'does not fit'}`,
    });
    return z.NEVER;
  });
}

/** Values separated by commas; blanks around them and empty ones count for nothing. */
export function listText<S extends z.ZodArray>(schema: S) {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(schema as S & z.ZodType<z.output<S>, string[]>);
}

/** A whole number within bounds. */
export function wholeText(min: number, max: number) {
  return z.coerce.number().int().min(min).max(max);
}
