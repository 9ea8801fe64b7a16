/** How far the copies of this log are in other regions, as those say; what they say is signed by this log. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LogCopyState } from '@mcp/contracts';
import { openCheckpoint } from '@mcp/provenance/tlog';
import type { LogPeer } from '../../manifest.ts';
import type { LogKeeper } from '../keeper.ts';
import type { TransparencyLogKit } from '../kit.ts';
import { fetchText } from '../peers.ts';
import { logId } from '../witness.ts';

const EVERY_MS = 1000;
/** Who was not heard for so long is not waited for. */
const HEARD_MS = 60_000;
/** For so long witnesses wait for a copy. */
const SETTLES_MS = 10_000;
/** A copy that lacks entries which were sent, and does not get on for so long, is sent them again; each time it is twice as long. */
const RESEND = { first_ms: 30_000, most_ms: 600_000 } as const;

interface AcknowledgedDeps {
  readonly kit: Pick<TransparencyLogKit, 'log' | 'metrics'>;
  readonly keeper: LogKeeper;
  /** Those that keep a copy. */
  readonly peers: readonly LogPeer[];
}

/** What a copy has, as far as is known. */
interface Known {
  readonly origin: string;
  size: number;
  note: string;
  last_seq: number;
  heard_ms: number;
  moved_ms: number;
  resend_after_ms: number;
  /** What it was to have, and since when it lacks some of it. */
  due: { readonly size: number; readonly since_ms: number } | undefined;
  said: boolean;
}

export class Acknowledged {
  readonly #deps: AcknowledgedDeps;
  readonly #closing = new AbortController();
  readonly #known: readonly Known[];

  constructor(deps: AcknowledgedDeps) {
    this.#deps = deps;
    this.#known = deps.peers.map(({ origin }) => ({
      origin,
      size: 0,
      note: '',
      last_seq: 0,
      heard_ms: Number.NEGATIVE_INFINITY,
      moved_ms: performance.now(),
      resend_after_ms: RESEND.first_ms,
      due: undefined,
      said: false,
    }));
    if (deps.peers.length > 0) void this.#run();
  }

  close(): void {
    this.#closing.abort();
  }

  /** Entries that all copies have which were heard of lately; undefined: none was. */
  get least(): number | undefined {
    const heard = this.#heard();
    return heard.length === 0 ? undefined : Math.min(...heard.map(({ size }) => size));
  }

  /**
   * Entries that witnesses may be asked for: what they have seen and no copy has could not be restored. Undefined where
   * that is all, as no copy is heard of, or one is behind for longer than a moment.
   */
  get settled(): number | undefined {
    const after_ms = performance.now() - SETTLES_MS;
    const late = this.#known.some(({ due }) => due !== undefined && due.since_ms < after_ms);
    return late ? undefined : this.least;
  }

  /** The last message that came to any copy. */
  get last_seq(): number {
    return Math.max(0, ...this.#known.map(({ last_seq }) => last_seq));
  }

  /** Whether a copy does not get on with what was sent: it lacks entries before those, or they did not reach it. */
  isStuck(sent: { readonly first: number; readonly end: number }): boolean {
    const now_ms = performance.now();
    return this.#heard().some((one) => {
      if (one.size < sent.first) return true;
      if (one.size >= sent.end || now_ms - one.moved_ms < one.resend_after_ms) return false;
      one.moved_ms = now_ms;
      one.resend_after_ms = Math.min(2 * one.resend_after_ms, RESEND.most_ms);
      return true;
    });
  }

  #heard(): readonly Known[] {
    const after_ms = performance.now() - HEARD_MS;
    return this.#known.filter(({ heard_ms }) => heard_ms > after_ms);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await Promise.all(this.#deps.peers.map((peer, at) => this.#ask(peer, this.#known[at] as Known)));
      if (!signal.aborted) this.#show();
      await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Does not throw. */
  async #ask({ url }: LogPeer, known: Known): Promise<void> {
    const { keeper, kit } = this.#deps;
    try {
      const { status, text } = await fetchText(`${url}/${logId(keeper.keys.name)}/copy`);
      if (status !== 200) throw new Error(`It answers ${status}: ${text.slice(0, 200)}`);
      const { note, last_seq } = LogCopyState.parse(JSON.parse(text));
      const size = note === '' ? 0 : openCheckpoint(note, keeper.keys.ever()).size;
      // A copy that has more than this log, or something else, is proof that this one was rolled back or rewritten.
      if (note !== '' && note !== known.note && !(await keeper.follows(note))) return;
      if (size !== known.size) {
        known.moved_ms = performance.now();
        known.resend_after_ms = RESEND.first_ms;
      }
      Object.assign(known, { size, note, last_seq, heard_ms: performance.now(), said: false });
    } catch (err) {
      const level = known.said ? 'debug' : 'warn';
      known.said = true;
      kit.log[level]({ err, peer: known.origin }, 'another region does not say just now how far its copy is');
    }
  }

  #show(): void {
    const { keeper, kit } = this.#deps;
    const { size } = keeper;
    const now_ms = performance.now();
    for (const known of this.#known) {
      if (known.due === undefined || known.size >= known.due.size)
        known.due = known.size < size ? { size, since_ms: now_ms } : undefined;
      const peer = known.origin;
      const behind_s = known.due === undefined ? 0 : (now_ms - known.due.since_ms) / 1000;
      kit.metrics.set('transparency_log_copy_lag_entries', { peer }, size - known.size);
      kit.metrics.set('transparency_log_not_copied_seconds', { peer }, behind_s);
    }
  }
}
