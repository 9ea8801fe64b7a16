import { join } from 'node:path';
import {
  type CallContext,
  type ConversationLog,
  type KeyChange,
  type KeyChanged,
  LogSignature,
  type PublishedKeys,
} from '@mcp/contracts';
import { HeldKeys, type VerifyOptions, withSignature } from '@mcp/provenance';
import { keyFile } from '@mcp/provenance/key-file';
import type { Logger } from '@mcp/service-kit';
import { requireAdmin } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';
import { keyRings } from '../store/key-rings.ts';
import type { OpenDatabase } from '../store/open.ts';

interface LogKeysDeps {
  readonly open: OpenDatabase;
  readonly dir: string;
  readonly secret: string;
  /** Logs signed with these secrets count as well. */
  readonly accepted: readonly string[];
  readonly metrics: CoreKit['metrics'];
  readonly log: Logger;
}

/** The keys that logs are signed with: in a file beside SQLite, or in the database that replicas share. */
export class LogKeys {
  readonly #deps: LogKeysDeps;
  readonly #held: HeldKeys;

  private constructor(deps: LogKeysDeps, held: HeldKeys) {
    this.#deps = deps;
    this.#held = held;
    this.#measure();
  }

  static async open(deps: LogKeysDeps): Promise<LogKeys> {
    const { open, dir, secret, accepted, log } = deps;
    const store =
      open.dialect === 'postgres'
        ? keyRings(open, [secret, ...accepted])
        : keyFile(join(dir, 'secrets', 'log-keys.json'));
    const failed = (err: unknown) =>
      log.error({ err }, 'the key ring cannot be read: the keys as they were go on');
    return new LogKeys(deps, await HeldKeys.open({ store, failed }));
  }

  /** By what logs are verified. */
  get options(): VerifyOptions {
    const { secret, accepted } = this.#deps;
    return { secret, accepted, history: this.#held.verified };
  }

  published(): PublishedKeys {
    return this.#held.published();
  }

  /** A log that is to be committed, with its signature, which the store has when this returns; not where it was erased meanwhile. */
  async sign(log: ConversationLog): Promise<ConversationLog> {
    const signed = withSignature(log, this.#held.signer);
    const row = { head: log.head, signature: JSON.stringify(signed.signature) };
    await this.#deps.open.db
      .insertInto('log_signatures')
      .columns(['conversation_id', 'head', 'signature'])
      .expression(({ selectFrom, val }) =>
        selectFrom('conversations')
          .select(['id', val(row.head).as('head'), val(row.signature).as('signature')])
          .where('id', '=', log.id)
          .where('erased_at', '=', ''),
      )
      .onConflict((conflict) => conflict.column('conversation_id').doUpdateSet(row))
      .execute();
    return signed;
  }

  /** A log of the store with the signature that there is of its head. */
  async withSignature(log: ConversationLog): Promise<ConversationLog> {
    const row = await this.#deps.open.db
      .selectFrom('log_signatures')
      .select('signature')
      .where('conversation_id', '=', log.id)
      .where('head', '=', log.head)
      .executeTakeFirst();
    const signature = row && LogSignature.parse(JSON.parse(row.signature));
    await this.know(signature);
    return signature === undefined ? log : { ...log, signature };
  }

  /** Has the key of a signature looked up, where another replica made it with one that is new. */
  know(signature: unknown): Promise<void> {
    return this.#held.know(LogSignature.safeParse(signature).data?.key_id);
  }

  /** For administrators. */
  async change(change: KeyChange, { principal }: CallContext): Promise<KeyChanged> {
    requireAdmin({ principal }, 'The keys that logs are signed with are changed by administrators.');
    const { metrics, log } = this.#deps;
    try {
      const changed = await this.#held.change(change);
      if (!change.dry_run && changed.before.checksum !== changed.after.checksum) {
        metrics.inc('log_key_changes_total', { kind: change.change, status: 'ok' });
        log.info(
          { change: change.change, by: principal.id, ...changed.after },
          'the keys of logs were changed',
        );
      }
      return changed;
    } catch (error) {
      metrics.inc('log_key_changes_total', { kind: change.change, status: 'failed' });
      throw error;
    } finally {
      this.#measure();
    }
  }

  close(): void {
    this.#held.close();
  }

  #measure(): void {
    const { history, active_key_id } = this.#held.published();
    const active = history.keys.findLast(({ key_id }) => key_id === active_key_id);
    this.#deps.metrics.set(
      'log_key_active_since_timestamp_seconds',
      {},
      Date.parse(active?.active_from ?? '') / 1000,
    );
  }
}
