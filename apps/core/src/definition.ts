import { join } from 'node:path';
import type { CoreApi } from '@mcp/contracts';
import { PromptLibrary } from '@mcp/conversation';
import { defineService } from '@mcp/service-kit';
import { z } from 'zod';
import { manifest } from '../service.ts';
import { createApp } from './app.ts';
import { EventLog } from './event-log.ts';
import { LogFiles } from './log-files.ts';
import { recover } from './recover.ts';
import { Runs } from './runs.ts';
import { createCore } from './service.ts';
import { ConversationStore } from './store/conversations.ts';
import { openDatabase } from './store/open.ts';

export const definition = defineService({
  manifest,
  config: z.object({
    /** Input and output tokens of one model call together (blueprint 9.3). */
    MAX_TOKENS: z.coerce.number().int().min(256).max(1_000_000).default(4096),
    /** Seals conversation logs; at least 32 characters. */
    PROV_SECRET: z.string().min(32),
    /** PostgreSQL; without it, SQLite in the data directory. */
    DATABASE_URL: z.string().startsWith('postgres').optional(),
    MCP_PROMPTS_DIR: z.string().min(1).optional(),
    /** Size of the log of events that others follow. */
    MCP_EVENT_LOG_BYTES: z.coerce
      .number()
      .int()
      .min(1_000_000)
      .default(128 * 1024 * 1024),
  }),
  async create(kit) {
    const { config } = kit;
    const store = new ConversationStore(
      await openDatabase({ file: join(kit.data_dir, 'core', 'core.db'), url: config.DATABASE_URL }),
    );
    const files = new LogFiles(kit.data_dir);
    const recorder = {
      store,
      files,
      metrics: kit.metrics,
      secret: config.PROV_SECRET,
      tag_pii: kit.flags.enabled('PII_TAGGING_ENABLED'),
    };
    await recover({ store, files, recorder, log: kit.log, sole: config.DATABASE_URL === undefined });
    const runs = new Runs();
    const log = new EventLog({
      kit,
      max_bytes: config.MCP_EVENT_LOG_BYTES,
      onCancel: (conversation_id) => runs.cancel(conversation_id),
    });
    const api: CoreApi = createCore({
      kit,
      // Looked up at each call: the model-gateway may share this process and start later.
      get models() {
        return kit.clients.modelGateway;
      },
      max_tokens: config.MAX_TOKENS,
      store,
      files,
      recorder,
      runs,
      log,
      prompts: new PromptLibrary(config.MCP_PROMPTS_DIR),
    });
    const close = async () => {
      await runs.stop();
      log.close();
      await store.close();
    };
    return { app: createApp(kit, api, { store: () => store.check() }), api, close };
  },
});
