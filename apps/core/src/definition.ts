import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArbitrationTerms, type CoreApi, coreEndpoints } from '@mcp/contracts';
import { Calibrations } from '@mcp/conversation';
import { LocalKms, openKms } from '@mcp/kms';
import { guardOf } from '@mcp/safety/guard';
import { apiApp, defineService, ownCall } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import { createCore } from './api.ts';
import { answerPrivacy } from './conversations/answer-privacy.ts';
import { EventLog } from './conversations/event-log.ts';
import { Learner } from './conversations/learner.ts';
import { PromptLibrary } from './conversations/prompts.ts';
import { Runs } from './conversations/runs.ts';
import { Sweeper } from './conversations/sweeper.ts';
import { AccessLog } from './encryption/accesses.ts';
import { ClearRows } from './encryption/clear-rows.ts';
import { DataKeys } from './encryption/data-keys.ts';
import { Eraser } from './encryption/eraser.ts';
import { KmsWatch } from './encryption/kms-watch.ts';
import { PiiEraser } from './encryption/pii-eraser.ts';
import { GraphLibrary } from './graphs/library.ts';
import type { CoreKit } from './kit.ts';
import { TamperAlerts } from './log/alerts.ts';
import type { LogCheckDeps } from './log/check.ts';
import { Committer } from './log/committer.ts';
import { LogHeads } from './log/heads.ts';
import { LogKeys } from './log/log-keys.ts';
import { openArchive } from './log/open-archive.ts';
import { LogProofs } from './log/proofs.ts';
import { LogPublisher } from './log/publisher.ts';
import type { LogScanDeps } from './log/scan.ts';
import { Pruner } from './retention/pruner.ts';
import { AnswerStore } from './store/answers.ts';
import { AuditBundleStore } from './store/audit-bundles.ts';
import { ConversationStore } from './store/conversations.ts';
import { FeedbackStore } from './store/feedback.ts';
import { Leases } from './store/leases.ts';
import { LegalHolds } from './store/legal-holds.ts';
import { LogChecks } from './store/log-checks.ts';
import { LogEntries } from './store/log-entries.ts';
import { type OpenDatabase, openDatabase } from './store/open.ts';
import { RetentionStore } from './store/retention.ts';
import { Upkeep } from './store/upkeep.ts';

/** How long the first sweep is waited for before the service is up. */
const FIRST_SWEEP_MS = 1500;
/** How long the transparency log may take to answer. */
const LOG_TIMEOUT_MS = 5000;

export const definition = defineService({
  manifest,
  async create(kit) {
    const { config, log, metrics } = kit;
    const { PROV_SECRET: secret } = config;
    const open = await databaseOf(kit);
    const encryption = await encryptionOf(kit, open);
    const { keys, clear } = encryption;
    const stores = storesOf(open, encryption);
    const { store, upkeep, checks } = stores;
    const leases = new Leases(open, log);
    const heads = headsOf(kit, upkeep);
    const archive = await archiveOf(kit, open);
    const signing = await signingOf(kit, open);
    const committer = new Committer({ keys, signing, archive, heads, pii: new PiiEraser(kit), metrics, log });
    const { scan, publisher, proofs } = transparencyOf(kit, stores.entries);
    const state = { store, keys, archive, heads, proofs, secret, signing };
    const policy = config.MCP_RETENTION;
    const sweeper = new Sweeper({ ...state, ...stores, policy, clear, leases, committer, publisher, log });
    await upkeep.freeAll();
    // A bus that is slow to come is not waited for: its heads are made up for.
    await Promise.race([sweeper.sweep(), sleep(FIRST_SWEEP_MS, undefined, { ref: false })]);
    const watch = new KmsWatch(keys, metrics);
    const runs = new Runs();
    const events = new EventLog({
      kit,
      keys,
      max_bytes: config.MCP_EVENT_LOG_BYTES,
      onCancel: (conversation_id) => runs.cancel(conversation_id),
    });
    const eraser = new Eraser({ open, keys, runs, events, sweeper, holds: stores.holds, metrics });
    const terms = config.MCP_ARBITRATION ?? ArbitrationTerms.parse({});
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
      terms,
      learner: new Learner({ kit, terms, feedback: stores.feedback }),
      ...stores,
      ...state,
      logs: state,
      ...checkingOf(kit, { checks, scan }),
      eraser,
      policy,
      pruner: new Pruner({ policy, store, retention: stores.retention, eraser, kit }),
      recorder: {
        ...{ store, keys, clear, leases, committer, publisher, secret, guard },
        tag_pii: kit.flags.enabled('PII_TAGGING_ENABLED'),
      },
      privacy: answerPrivacy(kit, config.MCP_PII),
      runs,
      log: events,
      prompts: new PromptLibrary(config.MCP_PROMPTS_DIR),
      graphs: new GraphLibrary(config.MCP_GRAPHS),
    });
    const close = async () => {
      await runs.stop();
      events.close();
      for (const one of [watch, sweeper, leases, publisher, archive, keys, signing, open]) await one?.close();
    };
    const app = apiApp({ kit, endpoints: coreEndpoints, api, checks: { store: () => store.check() } });
    return { app, api, close };
  },
});

function databaseOf({ config, data_dir }: CoreKit): Promise<OpenDatabase> {
  return openDatabase({
    file: join(data_dir, 'core', 'core.db'),
    url: config.DATABASE_URL,
    connections: config.MCP_DATABASE_CONNECTIONS,
  });
}

interface Encryption {
  readonly keys: DataKeys;
  readonly clear: ClearRows;
}

async function encryptionOf({ config, metrics, log }: CoreKit, open: OpenDatabase): Promise<Encryption> {
  const { db } = open;
  const keys = new DataKeys({
    db,
    kms: await openKms(config.MCP_KMS, { key: config.MCP_KMS_KEY, token: config.MCP_KMS_TOKEN }),
    local: new LocalKms(config.MCP_KMS_KEY),
    wait_ms: config.MCP_KMS_ON_UNAVAILABLE === 'wait' ? config.MCP_KMS_WAIT_MS : 0,
    cache_ms: config.MCP_KMS_CACHE_S * 1000,
    metrics,
    log,
  });
  return { keys, clear: new ClearRows({ db, keys, scrub: () => open.scrub() }) };
}

function storesOf(open: OpenDatabase, { keys, clear }: Encryption) {
  return {
    store: new ConversationStore(open, keys),
    answers: new AnswerStore(open, { keys, clear }),
    feedback: new FeedbackStore(open, { keys, clear }),
    accesses: new AccessLog(open.db),
    upkeep: new Upkeep(open),
    checks: new LogChecks(open),
    entries: new LogEntries(open),
    audits: new AuditBundleStore(open),
    holds: new LegalHolds(open),
    retention: new RetentionStore(open),
  };
}

function headsOf(kit: CoreKit, upkeep: Upkeep): LogHeads {
  return new LogHeads({
    bus: () => kit.bus(),
    max_bytes: kit.config.MCP_LOG_HEADS_BYTES,
    generationOf: (created) => upkeep.generationOf(created),
    log: kit.log,
  });
}

/** How logs are checked: so many in a second, and who is told of what is found. */
function checkingOf(kit: CoreKit, { checks, scan }: Pick<LogCheckDeps, 'checks' | 'scan'>) {
  return {
    scan,
    alerts: new TamperAlerts({ kit, checks }),
    checks_per_second: kit.config.MCP_LOG_CHECK_PER_SECOND,
  };
}

/** Where the transparency log is switched off. */
const NO_PUBLISHER: Pick<LogPublisher, 'nudge' | 'close'> = {
  nudge: () => undefined,
  close: async () => undefined,
};

function archiveOf({ config, data_dir: dir }: CoreKit, { dialect }: OpenDatabase) {
  return openArchive({ url: config.MCP_LOG_ARCHIVE_URL, external: dialect === 'postgres', dir });
}

function signingOf({ config, data_dir, metrics, log }: CoreKit, open: OpenDatabase): Promise<LogKeys> {
  const { PROV_SECRET: secret, PROV_SECRETS_ACCEPTED: accepted = [] } = config;
  return LogKeys.open({ open, dir: data_dir, secret, accepted, metrics, log });
}

/** How the core has to do with the transparency log: it takes entries there, has them proven, and reads it over. */
function transparencyOf(kit: CoreKit, entries: LogEntries) {
  // Entries wait in the store until it is switched on.
  if (!kit.flags.enabled('TRANSPARENCY_LOG_ENABLED'))
    return { scan: undefined, publisher: NO_PUBLISHER, proofs: undefined };
  const scan: LogScanDeps = {
    entries,
    // Looked up at each call: the log may share this process and start later.
    log: () => kit.clients.transparencyLog,
    call: () => ownCall({ service: manifest.name, timeout_ms: LOG_TIMEOUT_MS }),
  };
  const logged = { ...scan, logger: kit.log };
  const publisher = new LogPublisher(logged);
  return { scan, publisher, proofs: new LogProofs({ ...logged, publisher }) };
}
