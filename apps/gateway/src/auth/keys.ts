import { hash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiKeyRecord, type CreateKeyRequest, PlatformError, type Scope } from '@mcp/contracts';
import type { Bus, Logger } from '@mcp/service-kit';
import { type HeldKey, KeySet } from './key-set.ts';

type Bucket = Awaited<ReturnType<Bus['bucket']>>;

const BUCKET = 'mcp_keys';
/** Some 30,000 keys. */
const MAX_BUCKET_BYTES = 16 * 1024 * 1024;
/** Keys of one platform, revoked and expired ones included. */
const MAX_KEYS = 10_000;
/** How long a change of keys may wait for the event bus. */
const BUS_TIMEOUT_MS = 2000;
const RETRY_MS = 1000;
const PREFIX_CHARS = 12;

export interface KeyStoreOptions {
  readonly bus: () => Promise<Bus>;
  readonly log: Logger;
  /** Regions whose keys are good here too: the bus keeps a copy of their bucket. */
  readonly peers: readonly string[];
}

/**
 * API keys: kept in the bucket `mcp_keys` of the event bus as hashes only, and followed by every gateway in memory.
 * So looking one up needs no network, a revocation reaches all replicas at once, and keys go on working while
 * the bus is away. Keys of a peer region are known from a copy, which stays when that region is lost; they are
 * managed where they were made.
 */
export class KeyStore {
  readonly #options: KeyStoreOptions;
  readonly #own = new KeySet();
  readonly #copies: readonly KeySet[];
  readonly #closing = new AbortController();
  /** Who wants to know when a key changes, by its id. */
  readonly #watchers = new Map<string, Set<() => void>>();
  #bucket: Bucket | undefined;
  #loaded = false;

  constructor(options: KeyStoreOptions) {
    this.#options = options;
    void this.#follow(
      async (bus) => {
        this.#bucket = await bus.bucket(BUCKET, { history: 1, max_bytes: MAX_BUCKET_BYTES });
        return this.#bucket;
      },
      this.#own,
      () => {
        this.#loaded = true;
      },
    );
    this.#copies = options.peers.map((region) => {
      const copy = new KeySet();
      void this.#follow((bus) => bus.copy(BUCKET, region, MAX_BUCKET_BYTES), copy);
      return copy;
    });
  }

  /** True once all keys have been read; from then on an unknown key is a wrong key. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** The record of the key with this SHA-256 (hex), or undefined. Throws `unauthenticated` when it is revoked or expired. */
  find(key_hash: string): ApiKeyRecord | undefined {
    const held = this.#search((keys) => keys.byHash(key_hash));
    if (held === undefined) return undefined;
    assertUsable(held);
    return held.record;
  }

  /** Throws `unauthenticated` when the key of this id may not be used any more. */
  assertUsable(id: string): void {
    const held = this.#search((keys) => keys.byId(id));
    if (held === undefined) throw new PlatformError('unauthenticated', 'This key has been removed.');
    assertUsable(held);
  }

  /** What the key of this id allows; nothing when there is none. */
  scopesOf(id: string): readonly Scope[] {
    return this.#search((keys) => keys.byId(id))?.record.scopes ?? [];
  }

  /** Calls back with each change of a key, until the returned function is called. */
  onChange(id: string, listener: () => void): () => void {
    const listeners = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#watchers.delete(id);
    };
  }

  /** All keys that were made in this region, newest first. */
  list(): ApiKeyRecord[] {
    return this.#own.list();
  }

  /** Makes a key. It is returned this once and kept nowhere. Throws `unavailable` without the event bus. */
  async create(request: CreateKeyRequest): Promise<{ key: string; record: ApiKeyRecord }> {
    const expires_at = request.expires_at ?? null;
    if (expires_at !== null && Date.parse(expires_at) <= Date.now())
      throw new PlatformError(
        'invalid_request',
        `expires_at: must be in the future (got ${expires_at}). Leave it out for a key without end.`,
        { param: 'expires_at' },
      );
    const key = `mcp_${randomBytes(32).toString('base64url')}`;
    const record: ApiKeyRecord = {
      id: randomUUID(),
      name: request.name,
      hash: hash('sha256', key, 'hex'),
      prefix: key.slice(0, PREFIX_CHARS),
      scopes: [...new Set(request.scopes)],
      created_at: new Date().toISOString(),
      expires_at,
      revoked_at: null,
    };
    await this.#withBucket(async (bucket) => {
      if (this.#own.size >= MAX_KEYS) await this.#makeRoom(bucket);
      await bucket.create(record.id, JSON.stringify(record));
    });
    this.#own.hold(record);
    return { key, record };
  }

  /** Ends a key, everywhere and at once. Throws `not_found`, or `unavailable` without the event bus. */
  async revoke(id: string): Promise<ApiKeyRecord> {
    if (this.#copies.some((keys) => keys.byId(id) !== undefined))
      throw new PlatformError(
        'conflict',
        `The key ${id} was made in another region. Revoke it there; it ends here too.`,
      );
    const known = this.#own.byId(id)?.record;
    if (known === undefined)
      throw new PlatformError('not_found', `There is no key with the id ${id}. GET /admin/keys lists them.`);
    if (known.revoked_at !== null) return known;
    const record: ApiKeyRecord = { ...known, revoked_at: new Date().toISOString() };
    await this.#withBucket((bucket) => bucket.put(id, JSON.stringify(record)));
    this.#own.hold(record);
    this.#tell(id);
    return record;
  }

  close(): void {
    this.#closing.abort();
  }

  #tell(id: string): void {
    for (const listener of [...(this.#watchers.get(id) ?? [])]) listener();
  }

  #search(find: (keys: KeySet) => HeldKey | undefined): HeldKey | undefined {
    for (const keys of [this.#own, ...this.#copies]) {
      const held = find(keys);
      if (held !== undefined) return held;
    }
    return undefined;
  }

  /** Reads all keys of a bucket, then every change, for as long as the gateway runs; begins again when the bus was away. */
  async #follow(
    open: (bus: Bus) => Promise<Bucket>,
    keys: KeySet,
    loaded: () => void = () => undefined,
  ): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const bucket = await open(await this.#options.bus());
        await this.#watch(bucket, keys, loaded);
      } catch (error) {
        if (!signal.aborted)
          this.#options.log.warn({ err: error }, 'API keys cannot be followed; trying again');
      }
      await sleep(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #watch(bucket: Bucket, keys: KeySet, loaded: () => void): Promise<void> {
    const { signal } = this.#closing;
    const changes = await bucket.watch();
    const stop = () => changes.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if ((await bucket.status()).values === 0) loaded();
      for await (const entry of changes) {
        if (entry.operation !== 'PUT') keys.drop(entry.key);
        else if (!keys.take(entry.string()))
          this.#options.log.error('an entry of the key bucket cannot be read; it is passed over');
        this.#tell(entry.key);
        if ((entry.delta ?? 0) === 0) loaded();
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Forgets the oldest key that is of no use any more. Throws `conflict` when all of them are in use. */
  async #makeRoom(bucket: Bucket): Promise<void> {
    const now = new Date().toISOString();
    const useless = this.list().findLast(
      (record) => record.revoked_at !== null || (record.expires_at !== null && record.expires_at < now),
    );
    if (useless === undefined)
      throw new PlatformError(
        'conflict',
        `There are ${MAX_KEYS} keys in use, which is the most there may be. Revoke one first.`,
      );
    await bucket.purge(useless.id);
    this.#own.drop(useless.id);
  }

  async #withBucket<T>(change: (bucket: Bucket) => Promise<T>): Promise<T> {
    const bucket = this.#bucket;
    const unavailable = (cause?: unknown) =>
      new PlatformError(
        'unavailable',
        'Keys cannot be changed while the event bus is away. Existing keys go on working; try again in a few seconds.',
        { cause, retry_after_ms: 2000 },
      );
    if (bucket === undefined) throw unavailable();
    const timer = new AbortController();
    try {
      return await Promise.race([
        change(bucket),
        sleep(BUS_TIMEOUT_MS, undefined, { signal: timer.signal }).then((): never => {
          throw new Error(`no answer from the event bus within ${BUS_TIMEOUT_MS} ms`);
        }),
      ]);
    } catch (cause) {
      throw cause instanceof PlatformError ? cause : unavailable(cause);
    } finally {
      timer.abort();
    }
  }
}

function assertUsable({ record, expires_ms }: HeldKey): void {
  if (record.revoked_at !== null)
    throw new PlatformError(
      'unauthenticated',
      'This key has been revoked. Ask an administrator for a new one.',
    );
  if (expires_ms <= Date.now())
    throw new PlatformError('unauthenticated', 'This key has expired. Ask an administrator for a new one.');
}
