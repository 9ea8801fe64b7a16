import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArbitrationTerms, type CoreApi, coreEndpoints } from '@mcp/contracts';
import { Calibrations } from '@mcp/conversation';
import { LocalKms, openKms } from '@mcp/kms';
import { guardOf } from '@mcp/safety/guard';
import { apiApp, defineService } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import { createCore } from './api.ts';
import { EventLog } from './conversations/event-log.ts';
import { PromptLibrary } from './conversations/prompts.ts';
import { Runs } from './conversations/runs.ts';
import { Sweeper } from './conversations/sweeper.ts';
import { AccessLog } from './encryption/accesses.ts';
import { ClearRows } from './encryption/clear-rows.ts';
import { DataKeys } from './encryption/data-keys.ts';
import { Eraser } from './encryption/eraser.ts';
import { GraphLibrary } from './graphs/library.ts';
import { Committer } from './log/committer.ts';
import { LogHeads } from './log/heads.ts';
import { openArchive } from './log/open-archive.ts';
import { AnswerStore } from './store/answers.ts';
import { ConversationStore } from './store/conversations.ts';
import { Leases } from './store/leases.ts';
import { LogChecks } from './store/log-checks.ts';
import { openDatabase } from './store/open.ts';
import { Upkeep } from './store/upkeep.ts';

/** How long the first sweep is waited for before the service is up. */
const FIRST_SWEEP_MS = 1500;

export const definition = defineService({
  manifest,
  async create(kit) {
    const { config, log, metrics } = kit;
    const secret = config.PROV_SECRET;
    const open = await openDatabase({
      file: join(kit.data_dir, 'core', 'core.db'),
      url: config.DATABASE_URL,
      connections: config.MCP_DATABASE_CONNECTIONS,
    });
    const local = new LocalKms(config.MCP_KMS_KEY);
    const keys = new DataKeys({
      db: open.db,
      kms: await openKms(config.MCP_KMS, { key: config.MCP_KMS_KEY, token: config.MCP_KMS_TOKEN }),
      local,
      wait_ms: config.MCP_KMS_ON_UNAVAILABLE === 'wait' ? config.MCP_KMS_WAIT_MS : 0,
      cache_ms: config.MCP_KMS_CACHE_S * 1000,
      metrics,
      log,
    });
    const clear = new ClearRows({ db: open.db, keys, scrub: () => open.scrub() });
    const accesses = new AccessLog(open.db);
    const store = new ConversationStore(open, keys);
    const answers = new AnswerStore(open, { keys, clear });
    const upkeep = new Upkeep(open);
    const leases = new Leases(open, log);
    const heads = new LogHeads({
      bus: () => kit.bus(),
      max_bytes: config.MCP_LOG_HEADS_BYTES,
      generationOf: (created) => upkeep.generationOf(created),
      log,
    });
    const archive = await openArchive({
      url: config.MCP_LOG_ARCHIVE_URL,
      external: open.dialect === 'postgres',
      dir: kit.data_dir,
    });
    const committer = new Committer({ keys, archive, heads, metrics, log });
    const state = { store, keys, archive, heads, secret };
    const sweeper = new Sweeper({ ...state, upkeep, answers, clear, accesses, leases, committer, log });
    await upkeep.freeAll();
    // A bus that is slow to come is not waited for: its heads are made up for.
    await Promise.race([sweeper.sweep(), sleep(FIRST_SWEEP_MS, undefined, { ref: false })]);
    const runs = new Runs();
    const events = new EventLog({
      kit,
      keys,
      max_bytes: config.MCP_EVENT_LOG_BYTES,
      onCancel: (conversation_id) => runs.cancel(conversation_id),
    });
    const tag_pii = kit.flags.enabled('PII_TAGGING_ENABLED');
    const guard = guardOf(config, (err) => log.warn({ err }, 'the moderation did not answer'));
    const api: CoreApi = createCore({
      kit,
      guard,
      // Looked up at each call: the model-gateway may share this process and start later.
      get models() {
        return kit.clients.modelGateway;
      },
      max_tokens: config.MAX_TOKENS,
      calibrations: new Calibrations(),
      terms: config.MCP_ARBITRATION ?? ArbitrationTerms.parse({}),
      ...state,
      logs: state,
      answers,
      upkeep,
      checks: new LogChecks(open),
      accesses,
      eraser: new Eraser({ open, keys, runs, events, metrics }),
      recorder: { store, keys, clear, leases, committer, secret, tag_pii, guard },
      runs,
      log: events,
      prompts: new PromptLibrary(config.MCP_PROMPTS_DIR),
      graphs: new GraphLibrary(config.MCP_GRAPHS),
    });
    const close = async () => {
      await runs.stop();
      events.close();
      await sweeper.close();
      await leases.close();
      archive?.close();
      keys.close();
      await open.close();
    };
    const app = apiApp({ kit, endpoints: coreEndpoints, api, checks: { store: () => store.check() } });
    return { app, api, close };
  },
});
