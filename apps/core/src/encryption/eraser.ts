/** Erases conversations: their data keys are destroyed, what was encrypted is removed, and the chain of hashes stays. */
import { type CallContext, type Erasure, PlatformError } from '@mcp/contracts';
import { sql, type Transaction } from 'kysely';
import type { EventLog } from '../conversations/event-log.ts';
import type { Runs } from '../conversations/runs.ts';
import type { Sweeper } from '../conversations/sweeper.ts';
import type { CoreKit } from '../kit.ts';
import type { Dialect } from '../store/clock.ts';
import type { LegalHolds } from '../store/legal-holds.ts';
import type { OpenDatabase } from '../store/open.ts';
import type { Database } from '../store/schema.ts';
import { insertAccess } from './accesses.ts';
import { Hashes } from './clear-rows.ts';
import type { DataKeys } from './data-keys.ts';

export interface EraserDeps {
  readonly open: OpenDatabase;
  readonly keys: DataKeys;
  readonly runs: Pick<Runs, 'cancel'>;
  readonly events: Pick<EventLog, 'publishCancel' | 'erase'>;
  /** Puts what is left of it in the place of its archived log. */
  readonly sweeper: Pick<Sweeper, 'sweep'>;
  readonly holds: LegalHolds;
  readonly metrics: CoreKit['metrics'];
}

export class Eraser {
  readonly #deps: EraserDeps;

  constructor(deps: EraserDeps) {
    this.#deps = deps;
  }

  /** Ends a run of it that there is. What was erased before stays as it is. Throws `not_found`, `conflict` under a legal hold. */
  async erase(id: string, call: CallContext): Promise<Erasure> {
    const { runs, events } = this.#deps;
    const { erasure, now } = await this.eraseResting(id, call, () => Promise.resolve(true));
    if (!now) return erasure;
    // It lost its lease with the erasure: what it would still write is refused.
    runs.cancel(id);
    events.publishCancel(id);
    await events.erase(id);
    await this.settle();
    return erasure;
  }

  /**
   * Erases one that nobody works on. `allowed` is asked in the same transaction, and may write there; where it says no,
   * nothing is changed. Who erases many calls {@link settle} after some of them.
   */
  async eraseResting(
    id: string,
    call: CallContext,
    allowed: (tx: Transaction<Database>) => Promise<boolean>,
  ): Promise<Erased> {
    const { open, keys, holds, metrics } = this.#deps;
    const { db, dialect } = open;
    const erased = await db.transaction().execute((tx) => eraseIn(tx, id, { dialect, call, holds, allowed }));
    keys.forget(id);
    if (erased.now) metrics.inc('conversations_erased_total', {});
    return erased;
  }

  /** Overwrites what the database still has of them, and has what is left of them archived. */
  async settle(): Promise<void> {
    const { open, sweeper } = this.#deps;
    await open.scrub();
    void sweeper.sweep();
  }
}

interface Erased {
  readonly erasure: Erasure;
  /** False where it had been erased before, or was not allowed to be. */
  readonly now: boolean;
}

interface Erasing extends Pick<EraserDeps, 'holds'> {
  readonly dialect: Dialect;
  readonly call: CallContext;
  readonly allowed: (tx: Transaction<Database>) => Promise<boolean>;
}

async function eraseIn(
  tx: Transaction<Database>,
  id: string,
  { dialect, call, holds, allowed }: Erasing,
): Promise<Erased> {
  const { principal } = call;
  const row = tx
    .selectFrom('conversations')
    .select(['owner', 'records', 'erased_at', 'erased_by'])
    .where('id', '=', id);
  // SQLite has one writer at a time. Here another replica that erases it is waited for, and holds that are being set.
  const shared = dialect === 'postgres';
  if (shared) await sql`lock table legal_holds in share mode`.execute(tx);
  const found = await (shared ? row.forUpdate() : row).executeTakeFirst();
  if (found === undefined || (found.owner !== principal.id && !principal.scopes.includes('admin')))
    throw new PlatformError('not_found', `There is no conversation ${id} of yours to erase.`);
  const { owner, records } = found;
  if (found.erased_at !== '')
    return { erasure: { id, erased_at: found.erased_at, erased_by: found.erased_by, records }, now: false };
  await holds.assertFree(tx, { id, owner });
  const erased_at = new Date().toISOString();
  const erased_by = principal.id;
  if (!(await allowed(tx))) return { erasure: { id, erased_at, erased_by, records }, now: false };
  await tx
    .updateTable('conversations')
    .set({
      title: '',
      settings: '{}',
      status: 'cancelled',
      erased_at,
      erased_by,
      lease_token: '',
      lease_until: '',
      // The sweep puts what is left of it in the place of its archived log.
      unsealed: 1,
    })
    .where('id', '=', id)
    .execute();
  await keepHashes(tx, id);
  const answers = tx.selectFrom('stored_answers').select('id').where('conversation_id', '=', id);
  await tx.deleteFrom('stored_answer_pairs').where('answer_id', 'in', answers).execute();
  await tx.deleteFrom('stored_answers').where('conversation_id', '=', id).execute();
  await tx.updateTable('feedback').set({ comment: null }).where('conversation_id', '=', id).execute();
  await tx
    .updateTable('data_keys')
    .set({ wrapped: '', destroyed_at: erased_at })
    .where('conversation_id', '=', id)
    .execute();
  await tx.deleteFrom('log_signatures').where('conversation_id', '=', id).execute();
  await insertAccess(tx, { action: 'erase', owner, conversation_id: id }, call);
  return { erasure: { id, erased_at, erased_by, records }, now: true };
}

/** Of records from before encryption, the hashes are in their text. */
async function keepHashes(tx: Transaction<Database>, id: string): Promise<void> {
  const clear = await tx
    .selectFrom('records')
    .select(['seq', 'body'])
    .where('conversation_id', '=', id)
    .where('hash', '=', '')
    .execute();
  for (const { seq, body } of clear)
    await tx
      .updateTable('records')
      .set({ ...Hashes.parse(JSON.parse(body)) })
      .where('conversation_id', '=', id)
      .where('seq', '=', seq)
      .execute();
  await tx.updateTable('records').set({ body: '' }).where('conversation_id', '=', id).execute();
}
