/** The newest checkpoint of the log, kept on the event bus: a folder that was rolled back, or exchanged, is seen. */
import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import type { LogKeeper } from './keeper.ts';
import type { TransparencyLogKit } from './kit.ts';

const [BUCKET = ''] = manifest.bus.buckets;
const MAX_BYTES = 1024 * 1024;
const EVERY_MS = 1000;

type Bucket = Awaited<ReturnType<Bus['bucket']>>;

interface MemoryDeps {
  readonly kit: Pick<TransparencyLogKit, 'bus' | 'log'>;
  readonly keeper: LogKeeper;
}

export class CheckpointMemory {
  readonly #deps: MemoryDeps;
  readonly #key: string;
  readonly #closing = new AbortController();
  #kv: Bucket | undefined;
  /** What is there as far as we know: the note, and the revision of its key. */
  #kept: { readonly note: string; readonly revision: number } | undefined;
  /** The mark of the keys that is there. */
  #keys: string | undefined;

  constructor(deps: MemoryDeps) {
    this.#deps = deps;
    this.#key = hash('sha256', deps.keeper.keys.name).slice(0, 32);
    void this.#run();
  }

  /** A bus that is slow to answer is not waited for. */
  close(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let said = false;
    while (!signal.aborted) {
      try {
        await this.#once();
        said = false;
      } catch (err) {
        if (!said && !signal.aborted)
          this.#deps.kit.log.warn({ err }, 'the event bus cannot keep the checkpoint of the log just now');
        said = true;
      }
      await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #once(): Promise<void> {
    const { kit, keeper } = this.#deps;
    this.#kv ??= await (await kit.bus()).bucket(BUCKET, {
      history: 1,
      storage: 'file',
      max_bytes: MAX_BYTES,
    });
    if (this.#closing.signal.aborted || keeper.read_only !== undefined) return;
    const log = keeper.readable();
    if (!(await this.#compareKeys(this.#kv))) return;
    if (this.#kept !== undefined && log.checkpoint === this.#kept.note) return;
    const entry = await this.#kv.get(this.#key);
    const there = entry?.operation === 'PUT' ? entry.string() : undefined;
    if (there !== undefined && entry?.revision !== this.#kept?.revision && !(await keeper.follows(there)))
      return;
    const note = log.checkpoint;
    const revision =
      entry === null
        ? await this.#kv.create(this.#key, note)
        : await this.#kv.update(this.#key, note, entry.revision);
    this.#kept = { note, revision };
  }
  /** Whether the keys of the log are those that it had, or go on from them; where they do not, its folder was put back. */
  async #compareKeys(kv: Bucket): Promise<boolean> {
    const { keeper } = this.#deps;
    const { keys } = keeper.keys.history;
    const signatures = keys.flatMap(({ active_from, signature }) =>
      active_from === null ? [] : [signature],
    );
    const mark = markOf(signatures);
    if (mark === this.#keys) return true;
    const key = `${this.#key}.keys`;
    const entry = await kv.get(key);
    const there = entry?.operation === 'PUT' ? entry.string() : undefined;
    const count = Number(there?.split(' ')[0] ?? 0);
    if (there !== undefined && markOf(signatures.slice(0, count)) !== there) {
      await keeper.quarantine(
        `Its keys were put back, or are others: it has ${signatures.length} in its key history, and had ${count} before that are not their beginning.`,
      );
      return false;
    }
    if (there !== mark) await (entry === null ? kv.create(key, mark) : kv.update(key, mark, entry.revision));
    this.#keys = mark;
    return true;
  }
}

/** How many keys there were, and the hash over their signatures. */
function markOf(signatures: readonly string[]): string {
  return `${signatures.length} ${hash('sha256', signatures.join('\n'))}`;
}
