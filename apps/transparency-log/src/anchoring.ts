/** Has checkpoints of this log kept at places outside, and compares the log with what is there: one that was rolled back or rewritten is found by it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Anchor, type AnchorSettings, openAnchor } from '@mcp/anchors';
import type { LogAnchor } from '@mcp/contracts';
import { openCheckpoint } from '@mcp/provenance/tlog';
import { backOff } from '@mcp/service-kit';
import type { LogKeeper } from './keeper.ts';
import type { TransparencyLogKit } from './kit.ts';
import { rekorKeyFrom } from './rekor-key.ts';

/** How often it is looked whether something is due. */
const TICK_MS = 250;
const MAX_CLOSE_MS = 1000;
const RETRY = { first_ms: 1000, most_ms: 600_000 } as const;
/** Checkpoints of an anchor that the log is compared with each time: the newest, and as many drawn among the older ones. */
const NEWEST = 8;
const DRAWN = 8;

interface AnchoringDeps {
  readonly kit: Pick<TransparencyLogKit, 'log' | 'metrics' | 'config'>;
  readonly keeper: LogKeeper;
}

/** What is known of an anchor. */
interface Slot {
  readonly settings: AnchorSettings;
  /** For metrics: its kind, with a number from the second of a kind on. */
  readonly name: string;
  readonly anchor: Anchor;
  /** The largest checkpoint of this log that it has, as far as we know. */
  newest: { readonly size: number; readonly note: string } | undefined;
  compared_at_ms: number | undefined;
  compare_due_ms: number;
  keep_due_ms: number;
  failures: number;
  not_before_ms: number;
  /** Since when a checkpoint is to be there that is not. */
  overdue_since_ms: number | undefined;
  /** What is under way. */
  work: Promise<void> | undefined;
}

export class Anchoring {
  readonly #deps: AnchoringDeps;
  readonly #slots: readonly Slot[];
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  private constructor(deps: AnchoringDeps, slots: readonly Slot[]) {
    this.#deps = deps;
    this.#slots = slots;
    this.#running = slots.length === 0 ? Promise.resolve() : this.#run();
  }

  static async open(deps: AnchoringDeps): Promise<Anchoring> {
    const {
      MCP_LOG_ANCHORS: all,
      MCP_LOG_ANCHOR_S3_KEY: s3_key,
      MCP_LOG_SIGNING_SECRET: secret,
    } = deps.kit.config;
    const { name: origin } = deps.keeper.keys;
    const rekor_key = rekorKeyFrom(secret, origin);
    const slots = await Promise.all(
      all.map(async (settings, at): Promise<Slot> => {
        const before = all.slice(0, at).filter(({ kind }) => kind === settings.kind).length;
        return {
          settings,
          name: before === 0 ? settings.kind : `${settings.kind}-${before + 1}`,
          anchor: await openAnchor(settings, { origin, s3_key, rekor_key }),
          newest: undefined,
          compared_at_ms: undefined,
          compare_due_ms: 0,
          keep_due_ms: 0,
          failures: 0,
          not_before_ms: 0,
          overdue_since_ms: undefined,
          work: undefined,
        };
      }),
    );
    return new Anchoring(deps, slots);
  }

  /** The anchors, and the newest checkpoint that each has. */
  list(): LogAnchor[] {
    return this.#slots.map(({ name, settings, anchor, newest, compared_at_ms, overdue_since_ms }) => ({
      name,
      kind: settings.kind,
      place: anchor.place,
      every_s: settings.every_s,
      size: newest?.size ?? null,
      note: newest?.note ?? null,
      compared_at: compared_at_ms === undefined ? null : new Date(compared_at_ms).toISOString(),
      overdue_s: overdue_since_ms === undefined ? 0 : Math.floor((Date.now() - overdue_since_ms) / 1000),
    }));
  }

  /** An anchor that hangs is not waited for. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    const working = Promise.all(this.#slots.map(({ work }) => work));
    await Promise.race([working, sleep(MAX_CLOSE_MS, undefined, { ref: false })]);
    for (const { anchor } of this.#slots) anchor.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      for (const slot of this.#slots) this.#tick(slot);
      await sleep(TICK_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Begins what is due, unless the anchor is still at work: it may hang, and the time counts. */
  #tick(slot: Slot): void {
    const { kit, keeper } = this.#deps;
    const now_ms = Date.now();
    // What was tampered with is not anchored.
    if (keeper.read_only === undefined && slot.work === undefined && now_ms >= slot.not_before_ms)
      slot.work = this.#work(slot).finally(() => {
        slot.work = undefined;
      });
    slot.overdue_since_ms = this.#isDue(slot) ? (slot.overdue_since_ms ?? now_ms) : undefined;
    const overdue_s = slot.overdue_since_ms === undefined ? 0 : (now_ms - slot.overdue_since_ms) / 1000;
    kit.metrics.set('transparency_log_not_anchored_seconds', { anchor: slot.name }, overdue_s);
  }

  /** Whether a checkpoint is to be at the anchor that is not. */
  #isDue({ newest, keep_due_ms }: Slot): boolean {
    const { keeper } = this.#deps;
    if (keeper.read_only !== undefined || !keeper.is_open) return false;
    return keeper.readable().published_size > (newest?.size ?? 0) && Date.now() >= keep_due_ms;
  }

  /** Does not throw. */
  async #work(slot: Slot): Promise<void> {
    const { kit } = this.#deps;
    try {
      await this.#compareIfDue(slot);
      if (this.#isDue(slot)) await this.#keep(slot);
      slot.failures = 0;
    } catch (err) {
      slot.failures++;
      slot.not_before_ms = Date.now() + backOff(slot.failures, RETRY);
      const level = slot.failures === 1 ? 'warn' : 'debug';
      kit.log[level]({ err, anchor: slot.anchor.place }, 'an anchor of the log cannot be used just now');
    }
  }

  async #keep(slot: Slot): Promise<void> {
    const { kit, keeper } = this.#deps;
    const { checkpoint: note, published_size: size } = keeper.readable();
    let status = 'failed';
    try {
      const others = await slot.anchor.keep(note, size);
      status = 'kept';
      slot.newest = { size, note };
      slot.keep_due_ms = Date.now() + 1000 * slot.settings.every_s;
      for (const other of others) await this.#judge(slot, other);
    } finally {
      kit.metrics.inc('transparency_log_anchor_requests_total', { anchor: slot.name, status });
    }
  }

  async #compareIfDue(slot: Slot): Promise<void> {
    if (Date.now() < slot.compare_due_ms) return;
    const count = (status: string) =>
      this.#deps.kit.metrics.inc('transparency_log_anchor_checks_total', { anchor: slot.name, status });
    try {
      count(await this.#compare(slot));
    } catch (error) {
      count('failed');
      throw error;
    }
    slot.compared_at_ms = Date.now();
    slot.compare_due_ms = slot.compared_at_ms + 1000 * slot.settings.every_s;
  }

  /** What is at the anchor is not believed: only what this log has signed counts. */
  async #compare(slot: Slot): Promise<'ok' | 'foreign' | 'missing' | 'contradicted'> {
    const { anchor } = slot;
    const known = slot.newest;
    let newest: Slot['newest'];
    let status: 'ok' | 'foreign' = 'ok';
    for (const { name, size } of drawn(await anchor.list())) {
      const note = await anchor.read(name);
      const judged = note === undefined ? 'foreign' : await this.#judge(slot, note);
      if (judged === 'contradicted') return judged;
      if (judged === 'foreign') status = judged;
      else if (note !== undefined && size > (newest?.size ?? 0)) newest = { size, note };
    }
    slot.newest = newest;
    if (known === undefined || (newest?.size ?? 0) >= known.size) return status;
    this.#deps.kit.log.error(
      { anchor: anchor.place, size: known.size },
      'a checkpoint that was anchored is there no more: it is anchored anew, and somebody has to look who removes them',
    );
    return 'missing';
  }

  /** One that this log has signed and does not go on from makes it read-only, and is kept beside the log. */
  async #judge(slot: Slot, note: string): Promise<'ok' | 'foreign' | 'contradicted'> {
    const { kit, keeper } = this.#deps;
    let size: number;
    try {
      size = openCheckpoint(note, keeper.keys.ever()).size;
    } catch (err) {
      kit.log.warn(
        { err, anchor: slot.anchor.place },
        'an anchor has a text that is no checkpoint of this log',
      );
      return 'foreign';
    }
    if (await keeper.follows(note)) return 'ok';
    await keeper.disk.replace(`anchors/evidence/${slot.name}-${size}`, Buffer.from(note));
    return 'contradicted';
  }
}

/** The newest, then some of the older ones: over time all are looked at, for who rewrites a log may anchor that too. */
function drawn<T>(ascending: readonly T[]): readonly T[] {
  const older = ascending.slice(0, -NEWEST);
  const some = Array.from(
    { length: Math.min(DRAWN, older.length) },
    () => older[Math.floor(Math.random() * older.length)] as T,
  );
  return [...ascending.slice(-NEWEST).reverse(), ...some];
}
