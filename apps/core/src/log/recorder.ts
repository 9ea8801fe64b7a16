import { randomBytes, randomUUID } from 'node:crypto';
import {
  type ConversationStatus,
  type LogRecord,
  LogRecordV1,
  type LogRecordV2,
  type PiiAction,
} from '@mcp/contracts';
import { newStepIds, stepsOf } from '@mcp/conversation';
import type { DataKey } from '@mcp/kms';
import {
  chainRecord,
  type LogHeader,
  type NewRecord,
  roleOf,
  sessionEntry,
  signatureOf,
  signLog,
} from '@mcp/provenance';
import { piiTags, replacedTags } from '@mcp/safety';
import { type Guard, verdictOn } from '@mcp/safety/guard';
import type { ClearRows } from '../encryption/clear-rows.ts';
import type { DataKeys } from '../encryption/data-keys.ts';
import type { ConversationStore, Lease, NewConversation, Stored } from '../store/conversations.ts';
import type { Leases } from '../store/leases.ts';
import type { Committer } from './committer.ts';
import type { LogPublisher } from './publisher.ts';
import { headerOf } from './state.ts';

export interface RecorderDeps {
  readonly store: ConversationStore;
  readonly keys: DataKeys;
  readonly clear: ClearRows;
  readonly leases: Leases;
  readonly committer: Committer;
  /** Takes what is stored to the transparency log. */
  readonly publisher: Pick<LogPublisher, 'nudge'>;
  readonly secret: string;
  readonly tag_pii: boolean;
  /** Says of questions what is found in them; turns bring their own verdict. */
  readonly guard: Guard;
}

/** The same, where nobody is to look for personal data. */
export function taggedAs(deps: RecorderDeps, pii: PiiAction | undefined): RecorderDeps {
  return pii === 'off' ? { ...deps, tag_pii: false } : deps;
}

/** A step as the conversation hands it in. */
export type NewStep = Omit<
  LogRecordV2,
  'seq' | 'hash_prev' | 'hash' | 'at' | 'pii_tags' | 'message_id' | 'role' | 'parents'
> & { readonly message_id?: string; readonly parents: readonly string[] };

/** Writes one conversation: each record chained to the one before and signed, under the lease of its run. */
export class Recorder {
  readonly #deps: RecorderDeps;
  readonly #header: LogHeader;
  readonly #lease: Lease;
  /** Held for the whole run: it goes on while the key management service is away. */
  readonly key: DataKey;
  #records: readonly LogRecord[];
  /** Names for the steps to come. */
  readonly newStepId: () => string;

  private constructor(
    deps: RecorderDeps,
    header: LogHeader,
    { records, key }: { readonly records: readonly LogRecord[]; readonly key: DataKey },
  ) {
    this.#deps = deps;
    this.#header = header;
    this.#records = records;
    this.key = key;
    this.newStepId = newStepIds(stepsOf(records));
    this.#lease = deps.leases.hold(header.id);
  }

  /** Begins a conversation: it is stored with its first records, and held, when this returns. */
  static async begin(
    deps: RecorderDeps,
    conversation: NewConversation,
    steps: (newStepId: () => string) => readonly NewStep[],
  ): Promise<Recorder> {
    const fresh = await deps.keys.make(conversation.summary.id);
    const header = headerOf({ version: 3, ...conversation });
    const recorder = new Recorder(deps, header, { records: [], key: fresh.key });
    const records = recorder.#chain(steps(recorder.newStepId));
    await recorder.#orRelease(
      deps.store.create(conversation, recorder.#addition(records), { token: recorder.#lease.token, fresh }),
    );
    recorder.#records = records;
    return recorder;
  }

  /** Takes a stored conversation for a run. Throws `conflict` when another run holds it. */
  static async resume(deps: RecorderDeps, stored: Stored, exchanges: number): Promise<Recorder> {
    const key = await deps.clear.keyOf(stored.summary.id);
    const recorder = new Recorder(deps, headerOf(stored), { records: stored.records, key });
    await recorder.#orRelease(
      deps.store.claim(recorder.#lease, { exchanges, records: stored.records.length }),
    );
    return recorder;
  }

  get records(): readonly LogRecord[] {
    return this.#records;
  }

  /** Durable in the store when it returns. Throws `conflict` when the lease was lost: nothing is written then. */
  async append(steps: readonly NewStep[]): Promise<void> {
    const added = this.#chain(steps);
    if (added.length === 0) return;
    await this.#deps.store.append(this.#lease, this.#addition(added), this.key);
    this.#records = [...this.#records, ...added];
    this.#deps.publisher.nudge();
  }

  /** The run is over: its log is archived, its head anchored, and it is given back. What fails is made up for later. */
  async close(status: ConversationStatus): Promise<void> {
    try {
      // The archive knows no leases: it is written by who has just been seen to hold one.
      await this.#deps.store.renew(this.#lease);
      const log = signLog(this.#header, this.#records, this.#deps.secret);
      const commitment = await this.#deps.committer.commit(log);
      const session = sessionEntry(this.#header.id, this.#records);
      await this.#deps.store.endRun(this.#lease, { status, commitment, session });
      this.#deps.publisher.nudge();
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
      mac: signatureOf(this.#header, last, this.#deps.secret),
    };
  }

  /** Chains steps, as well-formed Unicode: a hash has no other. */
  #chain(steps: readonly NewStep[]): LogRecord[] {
    const added: LogRecord[] = [];
    for (const step of steps) {
      const { content, reasoning } = step;
      const safety = step.kind === 'question' ? verdictOn(this.#deps.guard, content) : step.safety;
      const said = {
        ...step,
        content: content.toWellFormed(),
        reasoning: reasoning?.toWellFormed(),
        message_id: step.message_id ?? randomUUID(),
        at: new Date().toISOString(),
        ...(safety === undefined ? {} : { safety }),
        pii_tags: this.#deps.tag_pii ? tagsOf(`${content}\n${reasoning ?? ''}`) : [],
      };
      const record = this.#asRecord(said);
      if (record !== undefined)
        added.push(chainRecord(this.#header, added.at(-1) ?? this.#records.at(-1), record));
    }
    return added;
  }

  #asRecord(said: Dated): NewRecord | undefined {
    const { version } = this.#header;
    switch (version) {
      case 1:
        return asVersion1(said);
      case 2:
        return asVersion2(said);
      case 3:
        return { ...asVersion2(said), salt: newSalt(), key_id: this.key.id };
      default:
        return version satisfies never;
    }
  }
}

/** So that its hash says nothing about what is erased. */
function newSalt(): string {
  return randomBytes(16).toString('base64url');
}

/** What is personal in a text, and what was, before it was replaced. */
function tagsOf(text: string): string[] {
  return [...piiTags(text), ...replacedTags(text)];
}

type Dated = Omit<NewStep, 'message_id'> & Pick<LogRecordV2, 'message_id' | 'at' | 'pii_tags'>;

function asVersion2(step: Dated) {
  return { ...step, parents: [...step.parents], role: roleOf(step) };
}

/** A log of version 1 goes on as one: it knows no graph and no summaries. */
function asVersion1({
  step: _step,
  kind,
  parents: _parents,
  participant,
  ...said
}: Dated): NewRecord | undefined {
  if (kind === 'summary') return undefined;
  return { ...said, role: LogRecordV1.shape.role.parse(roleOf({ kind, participant })) };
}
