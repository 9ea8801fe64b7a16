import { PlatformError } from '@mcp/contracts';
import type { z } from 'zod';

/** What a server answered, in the shape of its API. Throws `upstream_failed` with the message where it is of another. */
export function readAnswer<S extends z.ZodType>(schema: S, json: unknown, message: string): z.output<S> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new PlatformError('upstream_failed', message, { cause: parsed.error });
}
