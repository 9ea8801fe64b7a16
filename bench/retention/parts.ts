/** What of the core erases by age, over a store of its own, and what this benchmark asks it as. */
import type { CallContext, Principal } from '@mcp/contracts';
import { Retention } from '@mcp/contracts';
import { LocalKms } from '@mcp/kms';
import { DataKeys } from '../../apps/core/src/encryption/data-keys.ts';
import { Eraser } from '../../apps/core/src/encryption/eraser.ts';
import { Pruner } from '../../apps/core/src/retention/pruner.ts';
import { ConversationStore } from '../../apps/core/src/store/conversations.ts';
import { LegalHolds } from '../../apps/core/src/store/legal-holds.ts';
import { openDatabase } from '../../apps/core/src/store/open.ts';
import { RetentionStore } from '../../apps/core/src/store/retention.ts';

const POLICY = Retention.parse({ conversation_days: 30 });
export const ADMIN: Principal = { id: 'root', kind: 'key', name: 'root', scopes: ['admin'] };

const nothing = () => undefined;
const log = { warn: nothing, error: (what: unknown) => console.error(what), info: nothing } as never;
const metrics = { inc: nothing, set: nothing, observe: nothing } as never;

export function benchCall(): CallContext {
  return {
    request_id: 'bench',
    traceparent: undefined,
    deadline_ms: Date.now() + 24 * 3600_000,
    principal: ADMIN,
    class: 'batch',
    signal: new AbortController().signal,
  };
}

/** Without event bus, archive and transparency log. */
export async function openParts(
  where: { readonly file: string; readonly url: string | undefined },
  key: string,
) {
  const open = await openDatabase({ ...where, connections: 4 });
  const kms = new LocalKms(key);
  const keys = new DataKeys({ db: open.db, kms, local: kms, wait_ms: 0, cache_ms: 60_000, metrics, log });
  const store = new ConversationStore(open, keys);
  const eraser = new Eraser({
    open,
    keys,
    holds: new LegalHolds(open),
    metrics,
    runs: { cancel: () => true },
    events: { publishCancel: nothing, erase: () => Promise.resolve() },
    sweeper: { sweep: () => Promise.resolve() },
  } as never);
  const retention = new RetentionStore(open);
  const pruner = new Pruner({ policy: POLICY, store, retention, eraser, kit: { metrics, log } });
  return { open, keys, store, retention, pruner };
}
