import { ApiKeyRecord, jsonOf } from '@mcp/contracts';

/** A key that may be presented. */
export interface HeldKey {
  readonly record: ApiKeyRecord;
  readonly expires_ms: number;
}

/** The keys of one bucket, in memory: by hash for those who present one, by id for those who manage them. */
export class KeySet {
  readonly #byHash = new Map<string, HeldKey>();
  readonly #byId = new Map<string, HeldKey>();

  get size(): number {
    return this.#byId.size;
  }

  byHash(hash: string): HeldKey | undefined {
    return this.#byHash.get(hash);
  }

  byId(id: string): HeldKey | undefined {
    return this.#byId.get(id);
  }

  /** All records, newest first. */
  list(): ApiKeyRecord[] {
    return [...this.#byId.values()]
      .map(({ record }) => record)
      .sort((a, b) => b.created_at.localeCompare(a.created_at));
  }

  /** Takes an entry of the bucket. False when it cannot be read. */
  take(text: string): boolean {
    const parsed = ApiKeyRecord.safeParse(jsonOf(text));
    if (parsed.success) this.hold(parsed.data);
    return parsed.success;
  }

  hold(record: ApiKeyRecord): void {
    // A late echo of the creation must not undo a revocation.
    const revoked_at = this.#byId.get(record.id)?.record.revoked_at ?? record.revoked_at;
    const kept = revoked_at === record.revoked_at ? record : { ...record, revoked_at };
    const expires_ms = kept.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(kept.expires_at);
    const held = { record: kept, expires_ms };
    this.#byId.set(kept.id, held);
    this.#byHash.set(kept.hash, held);
  }

  drop(id: string): void {
    const held = this.#byId.get(id);
    if (held === undefined) return;
    this.#byId.delete(id);
    this.#byHash.delete(held.record.hash);
  }
}
