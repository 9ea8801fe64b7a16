/** Sends what the log has signed to the stream from which other regions copy it: in order, each entry once, and after it is acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CopyBatch, openCheckpoint } from '@mcp/provenance/tlog';
import type { Bus } from '@mcp/service-kit';
import { ENTRIES_STREAM, ENTRIES_SUBJECT } from '../../manifest.ts';
import type { LogKeeper } from '../keeper.ts';
import type { TransparencyLogKit } from '../kit.ts';
import type { Acknowledged } from './acknowledged.ts';
import { decodeBatch, encodeBatch, fitting, MOST_ENTRIES } from './batch.ts';

/** What the event bus adds to a message, amply. */
const OVERHEAD_BYTES = 256;
const EVERY_MS = 250;
const MESSAGES_A_ROUND = 32;

interface SenderDeps {
  readonly kit: Pick<TransparencyLogKit, 'bus' | 'log'>;
  readonly keeper: LogKeeper;
  readonly acknowledged: Acknowledged;
  /** What the stream may hold: entries that copies lack, and some of those that they have. */
  readonly max_bytes: number;
}

/** What is in the stream. */
interface Sent {
  last_seq: number;
  bytes: number;
  /** Entries from the first of its first message to before this one; undefined where it is empty. */
  span: { first: number; end: number } | undefined;
  /** Where messages end, of those that this process sent, and of the last one before. */
  readonly ends: { readonly seq: number; readonly end: number }[];
}

export class CopySender {
  readonly #deps: SenderDeps;
  readonly #closing = new AbortController();
  #sent: Sent | undefined;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
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
      let more = false;
      try {
        more = await this.#round();
        said = false;
      } catch (err) {
        // What came of it is looked up.
        this.#sent = undefined;
        if (!said && !signal.aborted)
          this.#deps.kit.log.warn({ err }, 'entries of the log cannot be sent to other regions just now');
        said = true;
      }
      if (!more) await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Whether there is more to send at once. */
  async #round(): Promise<boolean> {
    const { kit, keeper, acknowledged, max_bytes } = this.#deps;
    if (keeper.read_only !== undefined) return false;
    const log = keeper.readable();
    const bus = await kit.bus();
    this.#sent ??= await this.#look(bus);
    const sent = this.#sent;
    if (sent === undefined) return false;
    if (sent.span !== undefined && acknowledged.isStuck(sent.span)) await beginAnew(bus, sent);
    const from = sent.span?.end ?? acknowledged.least;
    if (from === undefined) return false;
    for (let n = 0, at = from; n < MESSAGES_A_ROUND; n++) {
      if (at >= log.published_size || this.#closing.signal.aborted) return false;
      const there = await log.entries(at, Math.min(log.published_size, at + MOST_ENTRIES));
      const entries = there.slice(0, fitting(there));
      const checkpoint = await log.checkpointAt(at + entries.length);
      const message = encodeBatch({ from: at, entries, checkpoint });
      const room_bytes = max_bytes - message.length - OVERHEAD_BYTES;
      if (!(await makeRoom(bus, sent, { room_bytes, acknowledged: acknowledged.least ?? 0 }))) return false;
      at = await publish(bus, sent, { message, from: at, end: at + entries.length });
    }
    return true;
  }

  /** What is in the stream, which is made where there is none; undefined: nobody can say yet what it is to begin with. */
  async #look(bus: Bus): Promise<Sent | undefined> {
    const { acknowledged, max_bytes } = this.#deps;
    const info = await bus.find(ENTRIES_STREAM);
    if (info === undefined) {
      if (acknowledged.least === undefined) return undefined;
      const { last_seq } = acknowledged;
      await bus.manager.streams.add({
        name: ENTRIES_STREAM,
        subjects: [ENTRIES_SUBJECT],
        num_replicas: bus.replicas,
        max_bytes,
        discard: 'new',
        allow_direct: true,
        // Copies go on from the last message that they had of one that was lost.
        ...(last_seq === 0 ? {} : { first_seq: last_seq + 1 }),
      });
      return { last_seq, bytes: 0, span: undefined, ends: [] };
    }
    const { config, state } = info;
    if (config.num_replicas !== bus.replicas || config.max_bytes !== max_bytes)
      await bus.manager.streams.update(ENTRIES_STREAM, {
        num_replicas: bus.replicas,
        max_bytes,
      });
    const sent: Sent = { last_seq: state.last_seq, bytes: state.bytes, span: undefined, ends: [] };
    if (state.messages === 0) return sent;
    const [first, last] = await Promise.all([
      messageAt(bus, state.first_seq),
      messageAt(bus, state.last_seq),
    ]);
    if (!this.#isOurs(last)) {
      await beginAnew(bus, sent);
      return sent;
    }
    // What was sent is proof of what this log had: where it has less, or something else, it is read-only from now on.
    if (!(await this.#deps.keeper.follows(last.checkpoint))) return undefined;
    sent.span = { first: first.from, end: last.from + last.entries.length };
    sent.ends.push({ seq: state.last_seq, end: sent.span.end });
    return sent;
  }

  /** Whether this log has signed a message: one of another name, or another key, begins anew. */
  #isOurs({ checkpoint }: CopyBatch): boolean {
    try {
      openCheckpoint(checkpoint, this.#deps.keeper.keys.ever());
      return true;
    } catch {
      return false;
    }
  }
}

async function messageAt(bus: Bus, seq: number) {
  const message = await bus.manager.streams.getMessage(ENTRIES_STREAM, { seq });
  if (message === null) throw new Error(`The stream ${ENTRIES_STREAM} has no message ${seq}.`);
  return decodeBatch(message.data);
}

/** Nobody else may have sent meanwhile: a second writer, or a message that came twice, is refused by the bus. */
async function publish(
  bus: Bus,
  sent: Sent,
  { message, from, end }: { readonly message: Buffer; readonly from: number; readonly end: number },
): Promise<number> {
  const { seq } = await bus.jetstream.publish(ENTRIES_SUBJECT, message, {
    expect: { streamName: ENTRIES_STREAM, lastSequence: sent.last_seq },
  });
  sent.last_seq = seq;
  sent.bytes += message.length + OVERHEAD_BYTES;
  sent.span = { first: sent.span?.first ?? from, end };
  sent.ends.push({ seq, end });
  return end;
}

/** Takes from the stream what every copy has, where there is no room else; false: there is none. */
async function makeRoom(
  bus: Bus,
  sent: Sent,
  { room_bytes, acknowledged }: { readonly room_bytes: number; readonly acknowledged: number },
): Promise<boolean> {
  if (sent.bytes <= room_bytes) return true;
  const done = sent.ends.filter(({ end }) => end <= acknowledged);
  // The last message stays: it says what was sent.
  const last = done.findLast(({ seq }) => seq < sent.last_seq);
  if (last === undefined) return false;
  await bus.manager.streams.purge(ENTRIES_STREAM, { seq: last.seq + 1 });
  sent.ends.splice(0, sent.ends.indexOf(last) + 1);
  sent.span = { first: last.end, end: sent.span?.end ?? last.end };
  sent.bytes = (await bus.find(ENTRIES_STREAM))?.state.bytes ?? 0;
  return sent.bytes <= room_bytes;
}

/** A copy lacks what is not in the stream any more, or did not come to it: what follows begins with that. */
async function beginAnew(bus: Bus, sent: Sent): Promise<void> {
  await bus.manager.streams.purge(ENTRIES_STREAM);
  sent.bytes = 0;
  sent.span = undefined;
  sent.ends.length = 0;
}
