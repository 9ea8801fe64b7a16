/** Has the checkpoints of this log cosigned by its witnesses, and keeps the newest that one of them has cosigned. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeNote,
  encodeNote,
  encodeSubmission,
  openCheckpoint,
  type Signature,
  signersOf,
} from '@mcp/provenance/tlog';
import { backOff } from '@mcp/service-kit';
import type { LogKeeper } from './keeper.ts';
import type { TransparencyLogKit } from './kit.ts';
import { type AskedWitness, fetchText, type Peers } from './peers.ts';
import { logId } from './witness.ts';

const KEPT = 'cosigned';
const EVERY_MS = 500;
const RETRY = { first_ms: 1000, most_ms: 60_000 } as const;
/** Times that a witness is asked for one checkpoint: it says once what it has. */
const MAX_ASKED = 3;

/** A checkpoint with the signatures of the log and of witnesses below it. */
interface Cosigned {
  readonly note: string;
  readonly size: number;
  readonly root: Buffer;
}

interface CosignersDeps {
  readonly kit: Pick<TransparencyLogKit, 'log' | 'metrics'>;
  readonly keeper: LogKeeper;
  readonly peers: Peers;
  /** Entries that copies in other regions have; undefined: witnesses are asked for all. */
  settled(): number | undefined;
}

/** What is known of a witness, by its URL. */
interface Progress {
  /** Entries of what it cosigned last, as far as we know. */
  size: number;
  failures: number;
  not_before_ms: number;
}

export class Cosigners {
  readonly #deps: CosignersDeps;
  readonly #closing = new AbortController();
  readonly #progress = new Map<string, Progress>();
  #newest: Cosigned | undefined;
  #running: Promise<void> | undefined;
  /** The keys of the log that counted when the newest was looked at last. */
  #keys = '';
  /** Since when there are entries that no witness has seen. */
  #waiting_since_ms: number | undefined;

  private constructor(deps: CosignersDeps) {
    this.#deps = deps;
  }

  static async open(deps: CosignersDeps): Promise<Cosigners> {
    const cosigners = new Cosigners(deps);
    if (!deps.peers.some) return cosigners;
    await cosigners.#restore();
    cosigners.#running = cosigners.#run();
    return cosigners;
  }

  /** The newest checkpoint that a witness has cosigned; undefined: none has. */
  get newest(): Cosigned | undefined {
    return this.#newest;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#round();
      } catch (err) {
        this.#deps.kit.log.debug({ err }, 'the log has nothing to be witnessed just now');
      }
      await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Asks all witnesses for the same checkpoint. */
  async #round(): Promise<void> {
    const { keeper, peers, kit } = this.#deps;
    await peers.meet();
    this.#forgetRevoked();
    const log = keeper.readable();
    const settled = Math.max(this.#deps.settled() ?? log.published_size, this.#newest?.size ?? 0);
    const note = await log.checkpointAt(Math.min(settled, log.published_size));
    const { size, root } = openCheckpoint(note, keeper.keys.verifiers());
    const done = this.#newest?.size === size ? decodeNote(this.#newest.note).signatures : [];
    const asked = peers
      .witnesses()
      .filter(({ verifier: { key_id } }) => !done.some((one) => one.key_id.equals(key_id)));
    const given = await Promise.all(asked.map((witness) => this.#ask(witness, note, size)));
    const cosignatures = given.filter((one) => one !== undefined);
    // A checkpoint that was signed anew, with a new key of the log.
    const renewed = this.#newest?.size === size && !this.#newest.note.startsWith(note);
    if (cosignatures.length > 0 || renewed) await this.#keep({ note, size, root }, cosignatures);
    const behind = size > 0 && this.#newest?.size !== size;
    this.#waiting_since_ms = behind ? (this.#waiting_since_ms ?? Date.now()) : undefined;
    kit.metrics.set(
      'transparency_log_not_witnessed_seconds',
      {},
      this.#waiting_since_ms === undefined ? 0 : (Date.now() - this.#waiting_since_ms) / 1000,
    );
  }

  /** What only a revoked key of the log has signed proves nothing any more. */
  #forgetRevoked(): void {
    const verifiers = this.#deps.keeper.keys.verifiers();
    const keys = verifiers.map(({ key_id }) => key_id.toString('hex')).join();
    if (keys === this.#keys || this.#newest === undefined) return;
    this.#keys = keys;
    if (signersOf(decodeNote(this.#newest.note), verifiers).length === 0) this.#newest = undefined;
  }

  async #keep({ note, size, root }: Cosigned, added: readonly Signature[]): Promise<void> {
    const { text, signatures } = decodeNote(note);
    const before = this.#newest?.size === size ? decodeNote(this.#newest.note).signatures : [];
    const { name } = this.#deps.keeper.keys;
    const cosignatures = [...before.filter((one) => one.name !== name), ...added];
    const cosigned = encodeNote({ text, signatures: [...signatures, ...cosignatures] });
    this.#newest = { note: cosigned, size, root };
    await this.#deps.keeper.disk.replace(KEPT, Buffer.from(cosigned));
  }

  /** The cosignature of a witness; undefined: it gives none now. Does not throw. */
  async #ask(witness: AskedWitness, note: string, size: number): Promise<Signature | undefined> {
    const { kit } = this.#deps;
    const progress = this.#progress.get(witness.url) ?? { size: 0, failures: 0, not_before_ms: 0 };
    this.#progress.set(witness.url, progress);
    if (Date.now() < progress.not_before_ms || this.#closing.signal.aborted) return undefined;
    let status = 'unreachable';
    try {
      for (let times = 0; times < MAX_ASKED; times++) {
        const answer = await this.#submit(witness, { note, old_size: progress.size, size });
        if (typeof answer !== 'number') {
          Object.assign(progress, { size, failures: 0, not_before_ms: 0 });
          kit.metrics.inc('transparency_log_witness_requests_total', { status: 'cosigned' });
          return answer;
        }
        status = 'refused';
        if (answer > size) {
          await this.#compare(witness);
          break;
        }
        progress.size = answer;
      }
      throw new Error(
        `The witness ${witness.verifier.name} has ${progress.size} entries, and was asked for ${size}.`,
      );
    } catch (err) {
      progress.failures++;
      progress.not_before_ms = Date.now() + backOff(progress.failures, RETRY);
      kit.metrics.inc('transparency_log_witness_requests_total', { status });
      const level = progress.failures === 1 ? 'warn' : 'debug';
      kit.log[level]({ err, witness: witness.verifier.name }, 'a witness does not cosign just now');
      return undefined;
    }
  }

  /** The cosignature, or the size of what the witness has. Throws where it refuses or cannot be reached. */
  async #submit(
    witness: AskedWitness,
    { note, old_size, size }: { readonly note: string; readonly old_size: number; readonly size: number },
  ): Promise<Signature | number> {
    const hashes = old_size === 0 ? [] : await this.#deps.keeper.readable().consistency(old_size, size);
    const { status, text } = await fetchText(`${witness.url}/add-checkpoint`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: encodeSubmission({ old_size, hashes, checkpoint: note }),
    });
    if (status === 409 && /^(0|[1-9]\d{0,15})\n$/.test(text)) return Number(text);
    if (status === 422) await this.#compare(witness);
    if (status !== 200) throw new Error(`It answers ${status}: ${text.slice(0, 200)}`);
    const { verifier } = witness;
    const answered = decodeNote(`${note}${text}`);
    const own = answered.signatures.find(
      ({ name, key_id }) => name === verifier.name && key_id.equals(verifier.key_id),
    );
    if (own === undefined || signersOf(answered, [verifier]).length === 0)
      throw new Error('Its cosignature is not of its key.');
    return own;
  }

  /** A witness that has something else than this log: what it has, signed by this log, is proof of a rollback or of two logs. */
  async #compare({ url }: AskedWitness): Promise<void> {
    const { keeper } = this.#deps;
    const { status, text } = await fetchText(`${url}/${logId(keeper.keys.name)}/checkpoint`);
    if (status === 200) await keeper.follows(text);
  }

  /** What was cosigned before this process. */
  async #restore(): Promise<void> {
    const { keeper, kit } = this.#deps;
    try {
      const note = (await keeper.disk.read(KEPT))?.toString();
      if (note === undefined) return;
      const { size, root } = openCheckpoint(note, keeper.keys.verifiers());
      const log = keeper.readable();
      if (size <= log.size && (await log.root(size)).equals(root)) this.#newest = { note, size, root };
    } catch (err) {
      kit.log.warn({ err }, 'what was cosigned before cannot be read: it is asked for anew');
    }
  }
}
