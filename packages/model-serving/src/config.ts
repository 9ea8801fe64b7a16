import { jsonText } from '@mcp/contracts';
import { z } from 'zod';

/** A JSON object by model id, from a variable. */
function byModel<S extends z.ZodType>(schema: S, example: string) {
  return jsonText(z.record(z.string(), schema), `must be JSON such as ${example}`).prefault('{}');
}

/** The environment of whoever serves models. Names are documented in docs/configuration.md. */
export const ServingEnv = z.object({
  MCP_QUEUE_MAX_WAITING: z.coerce.number().int().min(1).max(100_000).default(256),
  MODEL_CONCURRENCY: byModel(z.number().int().min(1).max(4096), '{"model":16}'),
  MODEL_FALLBACKS: byModel(z.array(z.string()), '{"model":["instead"]}'),
});
export type ServingEnv = z.output<typeof ServingEnv>;
