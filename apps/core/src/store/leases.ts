import { randomUUID } from 'node:crypto';
import type { Logger } from '@mcp/service-kit';
import type { Kysely } from 'kysely';
import { timeIn } from './clock.ts';
import type { OpenDatabase } from './open.ts';
import type { Database } from './schema.ts';

/** How long a conversation belongs to a run that gives no sign of life. */
export const LEASE_MS = 20_000;
const HEARTBEAT_MS = 5000;
const BATCH = 500;

/**
 * Who may write a conversation: the run that holds its lease, renewed for as long as the run is alive, whatever it
 * waits for. Every write names the token of its lease, so that a run that lost it writes nothing more.
 */
export class Leases {
  readonly #db: Kysely<Database>;
  readonly #open: OpenDatabase;
  readonly #log: Logger;
  readonly #held = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  #beating: Promise<void> | undefined;

  constructor(open: OpenDatabase, log: Logger) {
    this.#open = open;
    this.#db = open.db;
    this.#log = log;
    this.#timer = setInterval(() => {
      this.#beating ??= this.#beat().finally(() => {
        this.#beating = undefined;
      });
    }, HEARTBEAT_MS).unref();
  }

  /** A token for a run on a conversation; what it holds is renewed until {@link release}. */
  hold(id: string): { id: string; token: string } {
    const token = randomUUID();
    this.#held.set(token, id);
    return { id, token };
  }

  release({ token }: { token: string }): void {
    this.#held.delete(token);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
  }

  async #beat(): Promise<void> {
    const held = [...this.#held];
    try {
      for (let at = 0; at < held.length; at += BATCH) {
        const batch = held.slice(at, at + BATCH);
        await this.#db
          .updateTable('conversations')
          .set({ lease_until: timeIn(this.#open.dialect, LEASE_MS) })
          .where(
            'id',
            'in',
            batch.map(([, id]) => id),
          )
          .where(
            'lease_token',
            'in',
            batch.map(([token]) => token),
          )
          .execute();
      }
    } catch (err) {
      this.#log.warn({ err }, 'leases could not be renewed');
    }
  }
}
