import type { ConversationLog } from '@mcp/contracts';
import { compareWithHead, headOf, LogHead } from '@mcp/provenance';
import type { Bus, Logger } from '@mcp/service-kit';
import { manifest } from '../../manifest.ts';

const [BUCKET = ''] = manifest.bus.buckets;
/** After a failure the bus is not asked for so long: nobody waits for it again and again. */
const PAUSE_MS = 2000;
const MAX_TRIES = 4;

/** What the bus says of a log. `away`: it cannot be asked; `none`: it has nothing; `deleted`: somebody took it out. */
export type KeptHead =
  | { readonly kept: 'away' | 'none' | 'deleted' }
  | { readonly kept: 'head'; readonly head: LogHead };

interface Records {
  readonly messages: readonly { readonly hash: string }[];
}

interface HeadBucket {
  readonly generation: number;
  readonly kv: Awaited<ReturnType<Bus['bucket']>>;
}

interface LogHeadsDeps {
  bus(): Promise<Bus>;
  /** Size of the bucket. */
  readonly max_bytes: number;
  /** Number of the bucket that was made then: another one means that the bus has lost what it had. */
  generationOf(created: string): Promise<number>;
  readonly log: Logger;
}

/** The head of each committed log, kept outside the store: on the event bus, where it only ever moves forward. */
export class LogHeads {
  readonly #deps: LogHeadsDeps;
  #bucket: HeadBucket | undefined;
  #opening: Promise<void> | undefined;
  #paused_until_ms = 0;

  constructor(deps: LogHeadsDeps) {
    this.#deps = deps;
  }

  /** Of the bucket in use; 0 while the bus was never reached. */
  get generation(): number {
    return this.#bucket?.generation ?? 0;
  }

  get reachable(): boolean {
    return this.#usable() !== undefined;
  }

  /** Opens the bucket, or looks whether it is still the same one. Does not throw. */
  refresh(): Promise<void> {
    this.#opening ??= this.#open()
      .catch((err: unknown) => this.#pause(err))
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }

  async get(id: string): Promise<KeptHead> {
    const bucket = this.#usable();
    if (bucket === undefined) return { kept: 'away' };
    try {
      const entry = await bucket.kv.get(id);
      if (entry === null) return { kept: 'none' };
      if (entry.operation !== 'PUT') return { kept: 'deleted' };
      return { kept: 'head', head: LogHead.parse(entry.json()) };
    } catch (error) {
      this.#pause(error);
      return { kept: 'away' };
    }
  }

  /**
   * Moves the head of a log forward to where the log ends. Returns the generation of the bucket that has it;
   * `refused` when what is kept there is not a beginning of this log; undefined when the bus cannot be asked.
   */
  async put(log: Pick<ConversationLog, 'id'> & Records): Promise<number | 'refused' | undefined> {
    const bucket = this.#usable();
    const head = headOf(log);
    if (bucket === undefined || head === undefined) return undefined;
    try {
      for (let attempt = 1; ; attempt++) {
        const entry = await bucket.kv.get(log.id);
        if (entry !== null && entry.operation !== 'PUT') return 'refused';
        const order = entry === null ? 'longer' : compareWithHead(log, LogHead.parse(entry.json()));
        if (order === 'same') return bucket.generation;
        if (order !== 'longer') return 'refused';
        const value = JSON.stringify(head);
        try {
          await (entry === null
            ? bucket.kv.create(log.id, value)
            : bucket.kv.update(log.id, value, entry.revision));
          return bucket.generation;
        } catch (error) {
          // Somebody else has written it meanwhile: what it is now decides.
          if (attempt >= MAX_TRIES || !isRevisionConflict(error)) throw error;
        }
      }
    } catch (error) {
      this.#pause(error);
      return undefined;
    }
  }

  /** Heads from a place in the bucket on, at most `limit`. Undefined when the bus cannot be asked. */
  async page(from: number, limit: number): Promise<{ ids: string[]; next: number | null } | undefined> {
    const bucket = this.#usable();
    if (bucket === undefined) return undefined;
    const ids: string[] = [];
    let seq = from;
    try {
      const { manager } = await this.#deps.bus();
      while (ids.length < limit) {
        const message = await manager.direct.getMessage(`KV_${BUCKET}`, {
          seq,
          next_by_subj: `$KV.${BUCKET}.>`,
        });
        if (message === null) return { ids, next: null };
        ids.push(message.subject.slice(`$KV.${BUCKET}.`.length));
        seq = message.seq + 1;
      }
      return { ids, next: seq };
    } catch (error) {
      this.#pause(error);
      return undefined;
    }
  }

  #usable(): HeadBucket | undefined {
    return Date.now() < this.#paused_until_ms ? undefined : this.#bucket;
  }

  async #open(): Promise<void> {
    const bus = await this.#deps.bus();
    const { max_bytes } = this.#deps;
    const kv = await bus.bucket(BUCKET, { history: 1, storage: 'file', max_bytes });
    const { created } = (await kv.status()).streamInfo;
    const generation = await this.#deps.generationOf(created);
    const before = this.generation;
    if (generation > 1 && generation !== before)
      this.#deps.log.error(
        { generation },
        'the event bus has lost the heads of logs that it kept: they are written again from the store',
      );
    this.#bucket = { kv, generation };
    this.#paused_until_ms = 0;
  }

  #pause(err: unknown): void {
    if (Date.now() >= this.#paused_until_ms)
      this.#deps.log.warn({ err }, 'the event bus cannot keep the heads of logs just now');
    this.#paused_until_ms = Date.now() + PAUSE_MS;
  }
}

function isRevisionConflict(error: unknown): boolean {
  return error instanceof Error && /wrong last sequence|key exists/i.test(error.message);
}
