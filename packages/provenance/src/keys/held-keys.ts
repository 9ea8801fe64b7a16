/** The keys as a running service holds them: it signs with the active one, and follows changes without a restart. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  type KeyChange,
  type KeyChanged,
  type KeyHistory,
  PlatformError,
  type PublishedKeys,
} from '@mcp/contracts';
import { activeTerm, checksumOf, type HeadSigner, nextTerm, signHead, VerifiedKeys } from './history.ts';
import {
  activateNext,
  type KeyRing,
  newRing,
  previousTerm,
  privateKeyOf,
  publishNext,
  refuseClock,
  retire,
  revoke,
  rollBack,
  signingKeys,
  withdrawNext,
} from './ring.ts';

/** Where a key ring is kept. */
export interface KeyRingStore {
  /** Undefined: there is none yet. */
  read(): Promise<KeyRing | undefined>;
  /** Durable when it returns. False: somebody has changed the ring meanwhile, and nothing was written. */
  replace(ring: KeyRing): Promise<boolean>;
}

/** How often the store is looked at for a change. */
const REFRESH_MS = 5000;
/** An unknown key is asked for at most this often. */
const ASK_MS = 500;
/** How long the private key before is kept, to roll back to. */
const KEPT_MS = 24 * 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
const MAX_TRIES = 5;
/** What a new key signs before it is trusted, and both keys after the change. */
const PROBE = { id: '00000000-0000-4000-8000-000000000000', records: 0, head: '0'.repeat(64) };

interface HeldKeysDeps {
  readonly store: KeyRingStore;
  readonly now?: () => Date;
  /** The first key of a ring that is to be made, where it is not a new one. */
  readonly first?: KeyObject;
  /** Told when the store could not be read; the keys that are held go on. */
  readonly failed?: (error: unknown) => void;
}

interface Held {
  readonly ring: KeyRing;
  readonly verified: VerifiedKeys;
  readonly signer: HeadSigner;
}

type Step = KeyChanged['steps'][number];

export class HeldKeys {
  readonly #deps: HeldKeysDeps;
  readonly #now: () => Date;
  readonly #timer: NodeJS.Timeout;
  #held: Held;
  #asked_ms = 0;
  #refreshing: Promise<void> | undefined;
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(deps: HeldKeysDeps, ring: KeyRing) {
    this.#deps = deps;
    this.#now = deps.now ?? (() => new Date());
    this.#held = hold(ring);
    this.#timer = setInterval(() => {
      this.refresh().catch((error: unknown) => deps.failed?.(error));
    }, REFRESH_MS).unref();
  }

  /** The ring of a store; where it has none, a first key is made. Throws where it cannot be read or does not verify. */
  static async open(deps: HeldKeysDeps): Promise<HeldKeys> {
    let ring = await deps.store.read();
    if (ring === undefined) {
      const made = newRing(deps.now?.() ?? new Date(), deps.first);
      // Of services that start together one makes it.
      ring = (await deps.store.replace(made)) ? made : await deps.store.read();
    }
    if (ring === undefined) throw new Error('The key ring vanished while it was made. Start again.');
    return new HeldKeys(deps, ring);
  }

  get signer(): HeadSigner {
    return this.#held.signer;
  }

  /** The private keys to sign with now, the newest first: beside the active one that before it, for ten minutes. */
  signing(): readonly KeyObject[] {
    return signingKeys(this.#held.ring, this.#now());
  }

  get verified(): VerifiedKeys {
    return this.#held.verified;
  }

  published(): PublishedKeys {
    const { history } = this.#held.ring;
    return { history, ...summaryOf(history) };
  }

  /** Takes over what the store has by now. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#deps.store
      .read()
      .then((ring) => {
        if (ring !== undefined && ring.revision !== this.#held.ring.revision) this.#held = hold(ring);
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  /** Looks for a key that another replica may have signed with a moment ago. Does not throw. */
  async know(key_id: string | undefined): Promise<void> {
    if (key_id === undefined || this.verified.knows(key_id) || Date.now() < this.#asked_ms + ASK_MS) return;
    this.#asked_ms = Date.now();
    await this.refresh().catch((error: unknown) => this.#deps.failed?.(error));
  }

  /** Changes the keys, one change at a time. Each step is durable before the next: after a crash it is taken up again. */
  change(change: KeyChange): Promise<KeyChanged> {
    const done = this.#changing.then(() => new Change(this.#deps.store, this.#now, change).run());
    this.#changing = done.catch(() => undefined);
    return done.finally(() => this.refresh());
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function hold(ring: KeyRing): Held {
  return { ring, verified: VerifiedKeys.of(ring.history), signer: activeSigner(ring) };
}

function activeSigner(ring: KeyRing): HeadSigner {
  const { key_id, active_from, created_at } = activeTerm(ring.history);
  return { key_id, private_key: privateKeyOf(ring, key_id), active_from: active_from ?? created_at };
}

function summaryOf(history: KeyHistory): Omit<PublishedKeys, 'history'> {
  return { active_key_id: activeTerm(history).key_id, checksum: checksumOf(history) };
}

function publicKeyOf(spki: string): KeyObject {
  return createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
}

function short(key_id: string): string {
  return `${key_id.slice(0, 12)}…`;
}

/** One change of the keys. */
class Change {
  readonly #store: KeyRingStore;
  readonly #now: () => Date;
  readonly #change: KeyChange;
  readonly #steps: Step[] = [];
  /** As it would be, where nothing is to be written. */
  #dry: KeyRing | undefined;

  constructor(store: KeyRingStore, now: () => Date, change: KeyChange) {
    this.#store = store;
    this.#now = now;
    this.#change = change;
  }

  async run(): Promise<KeyChanged> {
    const found = await this.#read();
    refuseClock(found, this.#now());
    const before = summaryOf(found.history);
    const change = this.#change;
    switch (change.change) {
      case 'rotate':
        await this.#rotate(change.rotate_if_older_than_days ?? 0);
        break;
      case 'roll_back':
        await this.#rollBack();
        break;
      case 'revoke':
        await this.#write((ring) => revoke(ring, change, this.#now()));
        this.#say('revoke', `The key ${short(change.key_id)} is revoked: ${change.reason}`);
        break;
      default:
        change satisfies never;
    }
    const after = await this.#verify();
    return { dry_run: change.dry_run, steps: this.#steps, before, after: summaryOf(after.history) };
  }

  async #rotate(after_days: number): Promise<void> {
    const { history } = await this.#read();
    const { active_from, key_id } = activeTerm(history);
    const age_ms = this.#now().getTime() - Date.parse(active_from ?? '');
    const due = nextTerm(history) !== undefined || age_ms >= after_days * DAY_MS;
    if (due) {
      await this.#publish(nextTerm(history)?.key_id);
      await this.#replace();
    }
    const keep = due || age_ms < KEPT_MS ? previousTerm(await this.#read())?.key_id : undefined;
    const held = Object.keys((await this.#read()).private_keys).length;
    const { private_keys } = await this.#write((ring) => retire(ring, keep));
    const gone = held - Object.keys(private_keys).length;
    const kept = keep === undefined ? '' : `; that of ${short(keep)} is kept for a day, to roll back to`;
    if (due || gone > 0) this.#say('retire', `Private keys destroyed: ${gone}${kept}.`);
    else this.#say('verify', `The key ${short(key_id)} is younger than ${after_days} days: it stays.`);
  }

  async #publish(found: string | undefined): Promise<void> {
    const { history } = await this.#write((ring) => publishNext(ring, this.#now()));
    const next = nextTerm(history)?.key_id ?? activeTerm(history).key_id;
    this.#say(
      'generate',
      found === undefined
        ? `A new Ed25519 key: ${next}.`
        : `The key ${next} was generated before: the change is taken up again.`,
    );
    this.#say('publish', `It stands in the key history, signed by ${short(activeTerm(history).key_id)}.`);
  }

  async #replace(): Promise<void> {
    const ring = await this.#read();
    const next = nextTerm(ring.history);
    if (next !== undefined) tryKey(privateKeyOf(ring, next.key_id), publicKeyOf(next.public_key));
    const { history } = await this.#write((one) => activateNext(one, this.#now()));
    const { key_id, active_from } = activeTerm(history);
    this.#say('replace', `Logs are signed with ${short(key_id)} since ${active_from ?? ''}.`);
  }

  async #rollBack(): Promise<void> {
    const { history } = await this.#read();
    const next = nextTerm(history);
    if (next !== undefined) {
      await this.#write(withdrawNext);
      this.#say('withdraw', `The key ${short(next.key_id)} never signed and is withdrawn.`);
      return;
    }
    const ring = await this.#write((one) => rollBack(one, this.#now()));
    const { key_id, previous } = activeTerm(ring.history);
    this.#say('roll_back', `The key ${short(key_id)} signs again in the place of ${short(previous ?? '')}.`);
  }

  /** Reads the ring back, and proves the way from the first key to the one that signs, with a signature of it. */
  async #verify(): Promise<KeyRing> {
    const ring = await this.#read();
    const verified = VerifiedKeys.of(ring.history);
    const flaw = verified.flawOf(PROBE, signHead(PROBE, activeSigner(ring), this.#now()));
    if (flaw !== undefined)
      throw new PlatformError(
        'internal',
        `The keys do not verify after the change: ${flaw} npx mcp keys rotate --rollback takes it back.`,
      );
    this.#say(
      'verify',
      `${ring.history.keys.length} keys follow each other without a gap; the last one signs.`,
    );
    return ring;
  }

  #say(step: Step['step'], detail: string): void {
    this.#steps.push({ step, detail });
  }

  async #read(): Promise<KeyRing> {
    const ring = this.#dry ?? (await this.#store.read());
    if (ring === undefined)
      throw new PlatformError(
        'unavailable',
        'The key ring is gone from where it is kept. Put it back from a backup.',
      );
    return ring;
  }

  async #write(change: (ring: KeyRing) => KeyRing): Promise<KeyRing> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const before = await this.#read();
      const after = change(before);
      if (after === before) return before;
      if (this.#change.dry_run) {
        this.#dry = after;
        return after;
      }
      if (await this.#store.replace(after)) return after;
    }
    throw new PlatformError(
      'conflict',
      'The keys are changed by somebody else just now. Look at npx mcp keys list, then try again.',
    );
  }
}

/** A key that cannot sign must not replace one that can. */
function tryKey(private_key: KeyObject, public_key: KeyObject): void {
  if (!createPublicKey(private_key).equals(public_key))
    throw new PlatformError(
      'internal',
      'The next key of the ring does not fit its public key: npx mcp keys rotate --rollback withdraws it.',
    );
}
