/** The data keys of conversations: made, unwrapped when they are needed, and kept in memory for a while. */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@mcp/contracts';
import type { DataKey, Kms } from '@mcp/kms';
import type { Logger } from '@mcp/service-kit';
import type { Kysely } from 'kysely';
import type { CoreKit } from '../kit.ts';
import type { DataKeyRow } from '../store/encryption-tables.ts';
import type { Database } from '../store/schema.ts';

const KEY_BYTES = 32;
/** Data keys in memory at most; those unused the longest leave first. */
const MAX_CACHED = 10_000;
/** Data keys of one page that are unwrapped at the same time. */
const AT_ONCE = 8;
/** After the service was away, readers are told so for so long without it being asked. */
const PAUSE_MS = 1000;
const RETRY_MS = 250;

/** A new data key, and the row that is stored with the conversation. */
export interface FreshKey {
  readonly key: DataKey;
  readonly row: DataKeyRow;
}

export interface DataKeysDeps {
  readonly db: Kysely<Database>;
  readonly kms: Kms;
  /** Of before: data keys that were wrapped by the platform's own key can be read, and wrapped again. */
  readonly local: Kms;
  /** How long a conversation waits for the service; 0: it fails at once. */
  readonly wait_ms: number;
  readonly cache_ms: number;
  readonly metrics: CoreKit['metrics'];
  readonly log: Logger;
}

type Operation = 'wrap' | 'unwrap' | 'rewrap' | 'health';

interface Cached {
  readonly key: DataKey;
  readonly until_ms: number;
}

export class DataKeys {
  readonly #deps: DataKeysDeps;
  readonly #cache = new Map<string, Cached>();
  readonly #reading = new Map<string, Promise<DataKey>>();
  #away: { readonly until_ms: number; readonly error: PlatformError } | undefined;

  constructor(deps: DataKeysDeps) {
    this.#deps = deps;
  }

  /** A key for a new conversation, to be stored with it. Waits for the service as it is configured. */
  async make(conversation_id: string): Promise<FreshKey> {
    const key = { id: randomUUID(), bytes: randomBytes(KEY_BYTES) };
    const bound = Buffer.concat([key.bytes, bindingOf(conversation_id, key.id)]);
    const { text, key_version } = await this.#patiently(() =>
      this.#asked('wrap', () => this.#deps.kms.wrap(bound)),
    );
    this.#keep(conversation_id, key);
    const created_at = new Date().toISOString();
    const row = { conversation_id, id: key.id, wrapped: text, key_version, created_at, destroyed_at: null };
    return { key, row };
  }

  /** The key of a conversation that has one. Throws `not_found` when it is destroyed, `unavailable` while it cannot be unwrapped. */
  of(conversation_id: string): Promise<DataKey> {
    const cached = this.#cache.get(conversation_id);
    if (cached !== undefined && cached.until_ms > performance.now()) {
      this.#keep(conversation_id, cached.key, cached.until_ms);
      return Promise.resolve(cached.key);
    }
    const reading =
      this.#reading.get(conversation_id) ??
      this.#read(conversation_id).finally(() => this.#reading.delete(conversation_id));
    this.#reading.set(conversation_id, reading);
    return reading;
  }

  /** As {@link of}, for a run that is to write: it waits for the service as it is configured. */
  ofRun(conversation_id: string): Promise<DataKey> {
    return this.#patiently(() => this.of(conversation_id));
  }

  /** Of these conversations, the keys that can be had. */
  async ofMany(conversation_ids: readonly string[]): Promise<ReadonlyMap<string, DataKey>> {
    const found = new Map<string, DataKey>();
    const waiting = [...new Set(conversation_ids)];
    const next = async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const key = await this.of(id).catch(() => undefined);
        if (key !== undefined) found.set(id, key);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    return found;
  }

  /** Wraps and unwraps a text of no meaning: false where the service does not, or gives back another one. */
  async probe(): Promise<boolean> {
    const { kms } = this.#deps;
    const text = randomBytes(KEY_BYTES);
    try {
      return await this.#asked('health', async () =>
        text.equals(await kms.unwrap((await kms.wrap(text)).text)),
      );
    } catch {
      return false;
    }
  }

  /** Unix time when the last data key leaves memory, in seconds; 0: there is none. */
  get cachedUntil_s(): number {
    let until_ms = 0;
    for (const cached of this.#cache.values()) until_ms = Math.max(until_ms, cached.until_ms);
    return until_ms === 0 ? 0 : (performance.timeOrigin + until_ms) / 1000;
  }

  forget(conversation_id: string): void {
    this.#cache.delete(conversation_id);
  }

  /** Wraps the next data keys again that are not wrapped under the version of now. Their conversations stay untouched. */
  async rewrap(limit: number): Promise<{ key_version: string; rewrapped: number; complete: boolean }> {
    const { db, kms } = this.#deps;
    const key_version = await this.#asked('health', () => kms.currentVersion());
    const rows = await db
      .selectFrom('data_keys')
      .selectAll()
      .where('wrapped', '!=', '')
      .where('key_version', '!=', key_version)
      .orderBy('conversation_id')
      .limit(limit)
      .execute();
    let rewrapped = 0;
    for (const row of rows) {
      const own = this.#wrapperOf(row);
      const next = await this.#asked('rewrap', async () =>
        own === kms ? kms.rewrap(row.wrapped) : kms.wrap(await own.unwrap(row.wrapped)),
      );
      // Not where it was destroyed meanwhile.
      const { numUpdatedRows } = await db
        .updateTable('data_keys')
        .set({ wrapped: next.text, key_version: next.key_version })
        .where('conversation_id', '=', row.conversation_id)
        .where('wrapped', '=', row.wrapped)
        .executeTakeFirst();
      rewrapped += Number(numUpdatedRows);
    }
    return { key_version, rewrapped, complete: rows.length < limit };
  }

  close(): void {
    this.#cache.clear();
    this.#deps.kms.close();
  }

  async #read(conversation_id: string): Promise<DataKey> {
    const row = await this.#deps.db
      .selectFrom('data_keys')
      .selectAll()
      .where('conversation_id', '=', conversation_id)
      .executeTakeFirst();
    if (row === undefined)
      throw new PlatformError(
        'internal',
        `The data key of conversation ${conversation_id} is missing: it was removed from the store. Restore it from a backup.`,
      );
    if (row.wrapped === '') throw erased(conversation_id, row.destroyed_at ?? '');
    if (this.#away !== undefined && performance.now() < this.#away.until_ms) throw this.#away.error;
    const bound = await this.#asked('unwrap', () => this.#wrapperOf(row).unwrap(row.wrapped));
    const [bytes, binding] = [bound.subarray(0, KEY_BYTES), bound.subarray(KEY_BYTES)];
    const expected = bindingOf(conversation_id, row.id);
    if (binding.length !== expected.length || !timingSafeEqual(binding, expected))
      throw new PlatformError(
        'internal',
        `The data key of conversation ${conversation_id} is that of another one: it was changed in the store.`,
      );
    const key = { id: row.id, bytes };
    this.#keep(conversation_id, key);
    return key;
  }

  #wrapperOf({ key_version }: DataKeyRow): Kms {
    return key_version.startsWith('local:') ? this.#deps.local : this.#deps.kms;
  }

  #keep(conversation_id: string, key: DataKey, until_ms = performance.now() + this.#deps.cache_ms): void {
    this.#cache.delete(conversation_id);
    this.#cache.set(conversation_id, { key, until_ms });
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > MAX_CACHED && oldest !== undefined) this.#cache.delete(oldest);
  }

  /** Tries again until it works, or the time is over. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const until_ms = performance.now() + this.#deps.wait_ms;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const again = error instanceof PlatformError && error.code === 'unavailable' && error.retryable;
        if (!again || performance.now() + RETRY_MS > until_ms) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  async #asked<T>(kind: Operation, work: () => Promise<T>): Promise<T> {
    const { metrics, log } = this.#deps;
    const began = performance.now();
    try {
      const answer = await work();
      metrics.inc('kms_requests_total', { kind, status: 'ok' });
      this.#away = undefined;
      return answer;
    } catch (error) {
      const away = error instanceof PlatformError && error.retryable;
      metrics.inc('kms_requests_total', { kind, status: away ? 'unavailable' : 'refused' });
      if (away) this.#away = { until_ms: performance.now() + PAUSE_MS, error };
      log.error(
        { err: error instanceof PlatformError ? (error.cause ?? error) : error, kind },
        'the key management service failed',
      );
      throw error;
    } finally {
      metrics.observe('kms_request_duration_seconds', { kind }, (performance.now() - began) / 1000);
    }
  }
}

/** What a data key is wrapped with, so that it cannot be given to another conversation. */
function bindingOf(conversation_id: string, key_id: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify(['mcp data key', conversation_id, key_id]))
    .digest();
}

export function erased(conversation_id: string, at: string): PlatformError {
  return new PlatformError(
    'not_found',
    `The conversation ${conversation_id} was erased at ${at}: its data key is destroyed, and nothing that was said can be read. POST /v1/conversations/${conversation_id}/verify checks the chain of its hashes.`,
  );
}
