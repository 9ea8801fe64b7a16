import type { ModelGatewayApi } from '@mcp/contracts';
import { BackendEnv, BackendList, createBackends } from '@mcp/model-backends';
import { defineService } from '@mcp/service-kit';
import { z } from 'zod';
import { manifest } from '../service.ts';
import { createApp } from './app.ts';
import { createModelGateway } from './service.ts';

/** A JSON object by model id, from a variable. */
function byModel<S extends z.ZodType>(schema: S, example: string) {
  return z
    .string()
    .default('{}')
    .transform((text, context): Record<string, z.output<S>> => {
      const parsed = z.record(z.string(), schema).safeParse(safeJson(text));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: 'custom', message: `must be JSON such as ${example}` });
      return z.NEVER;
    });
}

export const definition = defineService({
  manifest,
  config: BackendEnv.extend({
    MODEL_BACKENDS: BackendList,
    MCP_QUEUE_MAX_WAITING: z.coerce.number().int().min(1).max(100_000).default(256),
    MODEL_CONCURRENCY: byModel(z.number().int().min(1).max(4096), '{"model":16}'),
    MODEL_FALLBACKS: byModel(z.array(z.string()), '{"model":["instead"]}'),
  }),
  async create(kit) {
    const { config } = kit;
    const backends = createBackends(config.MODEL_BACKENDS, config);
    const api: ModelGatewayApi = createModelGateway({
      kit,
      backends,
      concurrency: config.MODEL_CONCURRENCY,
      max_waiting: config.MCP_QUEUE_MAX_WAITING,
      fallbacks: config.MODEL_FALLBACKS,
    });
    return {
      app: createApp(kit, api),
      api,
      async close() {
        await Promise.all(backends.map((backend) => backend.close()));
      },
    };
  },
});

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
