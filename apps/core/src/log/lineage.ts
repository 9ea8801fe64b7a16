import { type CallContext, type Lineage, PlatformError } from '@mcp/contracts';
import { stepsOf } from '@mcp/conversation';
import { lineageOf } from '@mcp/provenance';
import type { ConversationStore } from '../store/conversations.ts';
import type { LogEntries } from '../store/log-entries.ts';
import { logOf } from './state.ts';

/** An answer that goes on with hundreds of others has all of them for parents: what is more is not sent. */
const MAX_EDGES = 50_000;

interface LineageDeps {
  readonly store: ConversationStore;
  readonly entries: LogEntries;
}

/** Where each part of a conversation comes from. Throws `not_found`, `conflict` where there is too much of it. */
export async function readLineage(
  { store, entries }: LineageDeps,
  id: string,
  { principal }: CallContext,
): Promise<Lineage> {
  const stored = await store.get(id, principal);
  const log = logOf(stored);
  const steps = stepsOf(log.messages);
  const edges = steps.reduce((sum, { parents }) => sum + parents.length, 0);
  if (edges > MAX_EDGES)
    throw new PlatformError(
      'conflict',
      `The lineage of the conversation ${id} has ${edges} edges; at most ${MAX_EDGES} are given. Read the parents of each record in GET /v1/conversations/${id}/log.`,
    );
  return lineageOf({ log, steps, log_indexes: await entries.indexesOf(id) });
}
