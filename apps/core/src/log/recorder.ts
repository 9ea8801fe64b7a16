import { randomUUID } from 'node:crypto';
import type { ConversationStatus, LogRecord } from '@mcp/contracts';
import { chainRecord, type LogHeader, type NewRecord, sealLog, sealOf } from '@mcp/provenance';
import { piiTags } from '@mcp/safety';
import type { ConversationStore, Lease, NewConversation, Stored } from '../store/conversations.ts';
import type { Leases } from '../store/leases.ts';
import type { Sealer } from './sealer.ts';
import { headerOf } from './state.ts';

export interface RecorderDeps {
  readonly store: ConversationStore;
  readonly leases: Leases;
  readonly sealer: Sealer;
  readonly secret: string;
  readonly tag_pii: boolean;
}

/** A record as the conversation hands it in. */
export type Saying = Omit<NewRecord, 'at' | 'pii_tags' | 'message_id'> & { readonly message_id?: string };

/** Writes one conversation: each record chained to the one before and sealed, under the lease of its run. */
export class Recorder {
  readonly #deps: RecorderDeps;
  readonly #header: LogHeader;
  readonly #lease: Lease;
  #records: readonly LogRecord[];

  private constructor(deps: RecorderDeps, header: LogHeader, records: readonly LogRecord[]) {
    this.#deps = deps;
    this.#header = header;
    this.#records = records;
    this.#lease = deps.leases.hold(header.id);
  }

  /** Begins a conversation: it is stored with its first records, and held, when this returns. */
  static async begin(
    deps: RecorderDeps,
    conversation: NewConversation,
    sayings: readonly Saying[],
  ): Promise<Recorder> {
    const recorder = new Recorder(deps, headerOf(conversation), []);
    const records = recorder.#chain(sayings);
    await recorder.#orRelease(
      deps.store.create(conversation, recorder.#addition(records), recorder.#lease.token),
    );
    recorder.#records = records;
    return recorder;
  }

  /** Takes a stored conversation for a run. Throws `conflict` when another run holds it. */
  static async resume(deps: RecorderDeps, stored: Stored, exchanges: number): Promise<Recorder> {
    const recorder = new Recorder(deps, headerOf(stored), stored.records);
    await recorder.#orRelease(
      deps.store.claim(recorder.#lease, { exchanges, records: stored.records.length }),
    );
    return recorder;
  }

  get records(): readonly LogRecord[] {
    return this.#records;
  }

  /** Durable in the store when it returns. Throws `conflict` when the lease was lost: nothing is written then. */
  async append(sayings: readonly Saying[]): Promise<void> {
    const added = this.#chain(sayings);
    await this.#deps.store.append(this.#lease, this.#addition(added));
    this.#records = [...this.#records, ...added];
  }

  /** The run is over: its log is archived, its head anchored, and it is given back. What fails is made up for later. */
  async close(status: ConversationStatus): Promise<void> {
    try {
      // The archive knows no leases: it is written by who has just been seen to hold one.
      await this.#deps.store.renew(this.#lease);
      const seal = await this.#deps.sealer.seal(sealLog(this.#header, this.#records, this.#deps.secret));
      await this.#deps.store.settle(this.#lease, { status, seal });
    } finally {
      this.#deps.leases.release(this.#lease);
    }
  }

  async #orRelease(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#deps.leases.release(this.#lease);
      throw error;
    }
  }

  #addition(records: readonly LogRecord[]) {
    const last = records.at(-1) ?? this.#records.at(-1);
    return {
      after: this.#records.length,
      records,
      mac: sealOf(this.#header, last, this.#deps.secret),
    };
  }

  /** Chains sayings, as well-formed Unicode: a hash has no other. */
  #chain(sayings: readonly Saying[]): LogRecord[] {
    const added: LogRecord[] = [];
    for (const saying of sayings) {
      const tags = this.#deps.tag_pii ? piiTags(`${saying.content}\n${saying.reasoning ?? ''}`) : [];
      added.push(
        chainRecord(this.#header, added.at(-1) ?? this.#records.at(-1), {
          ...saying,
          content: saying.content.toWellFormed(),
          ...(saying.reasoning === undefined ? {} : { reasoning: saying.reasoning.toWellFormed() }),
          message_id: saying.message_id ?? randomUUID(),
          at: new Date().toISOString(),
          pii_tags: tags,
        }),
      );
    }
    return added;
  }
}
