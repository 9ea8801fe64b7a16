import { randomUUID } from 'node:crypto';
import type { ConversationStatus, LogRecord } from '@mcp/contracts';
import { chainRecord, type LogHeader, type NewRecord, sealLog } from '@mcp/provenance';
import { piiTags } from '@mcp/safety';
import type { Metrics } from '@mcp/service-kit';
import type { LogFiles } from './log-files.ts';
import type { ConversationStore } from './store/conversations.ts';

export interface RecorderDeps {
  readonly store: ConversationStore;
  readonly files: LogFiles;
  readonly metrics: Metrics;
  readonly secret: string;
  readonly tag_pii: boolean;
}

/** A record as the conversation hands it in. */
export type Saying = Omit<NewRecord, 'at' | 'pii_tags' | 'message_id'> & { readonly message_id?: string };

/** Writes one conversation: each record chained to the one before, in the store and in the sealed file. */
export class Recorder {
  readonly #deps: RecorderDeps;
  readonly #header: LogHeader;
  #records: LogRecord[];
  #sealed = false;

  /** `records` are those that the store already has. */
  constructor(deps: RecorderDeps, header: LogHeader, records: readonly LogRecord[]) {
    this.#deps = deps;
    this.#header = header;
    this.#records = [...records];
  }

  get records(): readonly LogRecord[] {
    return this.#records;
  }

  /** Chains sayings, as well-formed Unicode (a hash has no other), without writing them: for the first records, which are stored with the conversation itself. */
  chain(sayings: readonly Saying[]): LogRecord[] {
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

  /** Takes over records that the store already has. */
  adopt(records: readonly LogRecord[]): void {
    this.#records = [...this.#records, ...records];
  }

  /** Durable in the store, then in the file, when it returns. */
  async append(sayings: readonly Saying[]): Promise<void> {
    const added = this.chain(sayings);
    await this.#deps.store.append(this.#header.id, added);
    this.adopt(added);
    await this.seal();
  }

  /** Writes the file as the store has it. */
  async seal(): Promise<void> {
    this.#sealed = false;
    try {
      await this.#deps.files.write(sealLog(this.#header, this.#records, this.#deps.secret));
      this.#deps.metrics.inc('conversation_log_writes_total', { status: 'ok' });
      this.#sealed = true;
    } catch (error) {
      this.#deps.metrics.inc('conversation_log_writes_total', { status: 'failed' });
      throw error;
    }
  }

  /** The run is over. A file that could not be written is remembered, and written at the next start or resumption. */
  close(status: ConversationStatus): Promise<void> {
    return this.#deps.store.settle(this.#header.id, { status, sealed: this.#sealed });
  }
}
