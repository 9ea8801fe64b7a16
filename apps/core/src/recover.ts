import { PlatformError, type Principal } from '@mcp/contracts';
import { verifyLog } from '@mcp/provenance';
import type { Logger } from '@mcp/service-kit';
import type { LogFiles } from './log-files.ts';
import { Recorder, type RecorderDeps } from './recorder.ts';
import type { ConversationStore } from './store/conversations.ts';

/** The core itself, looking at conversations of anyone. */
const SELF: Principal = { id: 'core', kind: 'service', name: 'core', scopes: ['admin'] };

/**
 * After a crash: conversations that were running are marked interrupted, and their files are brought up to what the
 * store holds. A file that holds something else is left as it is, for the log check to report.
 */
export async function recover(deps: {
  store: ConversationStore;
  files: LogFiles;
  recorder: RecorderDeps;
  log: Logger;
  sole: boolean;
}): Promise<void> {
  for (const id of await deps.store.interruptAbandoned(deps.sole)) {
    const { summary, owner, records } = await deps.store.get(id, SELF);
    const file = await deps.files.read(id).catch(() => 'unreadable');
    const verdict = file === undefined ? undefined : verifyLog(file, { secret: deps.recorder.secret });
    const behind = verdict === undefined || (verdict.ok && verdict.records < records.length);
    if (behind) {
      const { created_at, mode, models } = summary;
      await new Recorder(deps.recorder, { id, version: 1, created_at, owner, mode, models }, records)
        .seal()
        .catch((error: unknown) => {
          if (!(error instanceof PlatformError)) throw error;
          deps.log.error({ conversation_id: id, err: error.cause }, error.message);
        });
    }
    deps.log.warn(
      { conversation_id: id, records: records.length, file: behind ? 'rewritten' : 'kept' },
      'conversation was interrupted by a crash',
    );
  }
}
