import { PlatformError, type Principal } from '@mcp/contracts';
import type { Logger } from '@mcp/service-kit';
import { checkFile, headerOf } from './file-check.ts';
import { isFinished } from './history.ts';
import type { LogFiles } from './log-files.ts';
import { Recorder, type RecorderDeps } from './recorder.ts';
import type { ConversationStore, Stored } from './store/conversations.ts';

/** The core itself, looking at conversations of anyone. */
const SELF: Principal = { id: 'core', kind: 'service', name: 'core', scopes: ['admin'] };

export interface RecoverDeps {
  readonly store: ConversationStore;
  readonly files: LogFiles;
  readonly recorder: RecorderDeps;
  readonly log: Logger;
  /** True when no other process works on the same store. */
  readonly sole: boolean;
}

/**
 * After a crash: conversations that were running are marked interrupted, and files that lack records are brought up
 * to what the store holds. A file that holds something else is left as it is, for the log check to report.
 */
export async function recover(deps: RecoverDeps): Promise<void> {
  for (const id of await deps.store.abandoned(deps.sole)) {
    const stored = await deps.store.get(id, SELF);
    const status = statusAtRest(stored);
    const sealed = await mend(deps, stored);
    await deps.store.settle(id, { status, sealed });
    deps.log.warn({ conversation_id: id, status, sealed }, 'conversation taken up after a crash');
  }
}

async function mend(deps: RecoverDeps, stored: Stored): Promise<boolean> {
  const { id } = stored.summary;
  const { state, verdict } = await checkFile(deps.files, stored, deps.recorder.secret);
  switch (state) {
    case 'same':
      return true;
    case 'broken':
      deps.log.error({ conversation_id: id, reason: verdict.reason }, 'log file does not verify');
      return false;
    case 'behind':
      try {
        await new Recorder(deps.recorder, headerOf(stored), stored.records).seal();
        return true;
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        deps.log.error({ conversation_id: id, err: error.cause }, error.message);
        return false;
      }
    default:
      return state satisfies never;
  }
}

/** What a conversation is once nobody is at work on it. */
function statusAtRest({ summary, records }: Stored): 'completed' | 'interrupted' | 'cancelled' | 'failed' {
  if (summary.status !== 'running') return summary.status;
  return isFinished(records, summary.exchanges) ? 'completed' : 'interrupted';
}
