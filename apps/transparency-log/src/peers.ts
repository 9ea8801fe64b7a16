/** Whom this service asks to cosign and whose logs it cosigns: linked regions, and those that the operator names. */
import { WitnessIdentity } from '@mcp/contracts';
import { followKeys, logVerifiers, VerifiedKeys } from '@mcp/provenance';
import { type Disk, decodeVerifier, type Verifier } from '@mcp/provenance/tlog';
import { textAtMost } from '@mcp/service-kit';
import { z } from 'zod';
import type { TransparencyLogKit } from './kit.ts';

const PINNED = 'witness/peers.json';
const TIMEOUT_MS = 10_000;
/** Who a region is, with a thousand keys that followed each other. */
const MAX_BYTES = 1024 * 1024;
/** How often a region is asked whether its log has a new key: both sign for ten minutes. */
const REFRESH_MS = 30_000;

const Pinned = z.record(z.string(), WitnessIdentity);

/** A witness that this log asks, with the prefix of its URL. */
export interface AskedWitness {
  readonly url: string;
  readonly verifier: Verifier;
}

interface PeersDeps {
  readonly kit: Pick<TransparencyLogKit, 'log' | 'config'>;
  readonly disk: Disk;
}

/** Reads what a server answers, at most so much. Throws where it does not come. */
export async function fetchText(
  url: string,
  init: RequestInit = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await textAtMost(response, MAX_BYTES);
  if (text === undefined) throw new Error(`${url} answers more than ${MAX_BYTES} bytes.`);
  return { status: response.status, text };
}

export class Peers {
  readonly #deps: PeersDeps;
  /** What regions said of themselves when they were first asked: from then on they are nobody else, but for keys of their log that the ones before signed. */
  readonly #pinned: Map<string, WitnessIdentity>;
  /** The keys of their logs that count. */
  readonly #log_keys = new Map<string, readonly Verifier[]>();
  readonly #asked_ms = new Map<string, number>();
  readonly #outside: readonly AskedWitness[];
  readonly #watched: readonly Verifier[];

  private constructor(deps: PeersDeps, pinned: z.infer<typeof Pinned>) {
    const { MCP_LOG_WITNESSES: witnesses, MCP_LOG_WITNESSED: watched } = deps.kit.config;
    this.#deps = deps;
    this.#pinned = new Map(Object.entries(pinned));
    for (const [origin, said] of this.#pinned) this.#log_keys.set(origin, logKeysOf(said));
    this.#outside = witnesses.map(({ url, key }) => ({ url, verifier: decodeVerifier(key) }));
    this.#watched = watched.map((key) => decodeVerifier(key));
  }

  /** Throws where a key of the settings, or what is kept of the regions, cannot be read. */
  static async open(deps: PeersDeps): Promise<Peers> {
    const text = (await deps.disk.read(PINNED))?.toString() ?? '{}';
    return new Peers(deps, Pinned.parse(JSON.parse(text)));
  }

  /** The keys of a log that is witnessed here; none: it is not. */
  keysOf(origin: string): readonly Verifier[] {
    const pinned = this.#known(origin) === undefined ? undefined : this.#log_keys.get(origin);
    return [...(pinned ?? []), ...this.#watched.filter(({ name }) => name === origin)];
  }

  /** The witnesses whose keys are known. */
  witnesses(): readonly AskedWitness[] {
    const regions = this.#deps.kit.config.MCP_LOG_PEERS.flatMap(({ origin, url }) => {
      const known = this.#known(origin);
      return known === undefined ? [] : [{ url, verifier: decodeVerifier(known.witness_key) }];
    });
    return [...regions, ...this.#outside];
  }

  /** Whether there is anybody to ask, known already or not. */
  get some(): boolean {
    return this.#deps.kit.config.MCP_LOG_PEERS.length + this.#outside.length > 0;
  }

  /** Asks regions who they are that never said, and now and then whether the log of one has a new key. Does not throw. */
  async meet(): Promise<void> {
    const { kit } = this.#deps;
    for (const { origin, url } of kit.config.MCP_LOG_PEERS) {
      const known = this.#known(origin);
      if (known !== undefined && Date.now() < (this.#asked_ms.get(origin) ?? 0) + REFRESH_MS) continue;
      this.#asked_ms.set(origin, Date.now());
      try {
        await this.#ask({ origin, url }, known);
      } catch (err) {
        const said =
          known === undefined ? 'does not say yet who it is' : 'does not say whether its keys are new';
        kit.log.debug({ err, origin }, `another region ${said}`);
      }
    }
  }

  async #ask(
    { origin, url }: { readonly origin: string; readonly url: string },
    known: WitnessIdentity | undefined,
  ): Promise<void> {
    const { kit, disk } = this.#deps;
    const { status, text } = await fetchText(url);
    if (status !== 200) throw new Error(`${url} answers ${status}.`);
    const said = WitnessIdentity.parse(JSON.parse(text));
    check(said, origin);
    const keys = logKeysOf(said);
    if (known !== undefined) {
      if (JSON.stringify(said) === JSON.stringify(known)) return;
      const flaw = changeFlaw(known, said);
      if (flaw !== undefined) {
        kit.log.error(
          { origin, flaw },
          'the log of another region shows keys that do not follow: the ones before count',
        );
        return;
      }
    }
    const pinned = { ...Object.fromEntries(this.#pinned), [origin]: said };
    await disk.replace(PINNED, Buffer.from(`${JSON.stringify(pinned, null, 2)}\n`));
    this.#pinned.set(origin, said);
    this.#log_keys.set(origin, keys);
    const what =
      known === undefined ? 'the log of another region is' : 'new keys of the log of another region are';
    kit.log.info({ origin, witness_key: said.witness_key }, `${what} known from now on`);
  }

  #known(origin: string): WitnessIdentity | undefined {
    const listed = this.#deps.kit.config.MCP_LOG_PEERS.some((peer) => peer.origin === origin);
    return listed ? this.#pinned.get(origin) : undefined;
  }
}

/** The keys of a log, by its history where it has one. Throws a TypeError where that does not hold. */
function logKeysOf({ origin, log_keys, log_key_history }: WitnessIdentity): readonly Verifier[] {
  return log_key_history === undefined
    ? log_keys.map((key) => decodeVerifier(key))
    : logVerifiers(VerifiedKeys.of(log_key_history), origin);
}

/** Why what a region says of itself does not go on from what it said before; undefined: it does. */
function changeFlaw(known: WitnessIdentity, said: WitnessIdentity): string | undefined {
  if (said.witness_key !== known.witness_key) return 'It has another key to cosign with.';
  if (said.log_key_history === undefined) return 'It shows no key history.';
  const keys = VerifiedKeys.of(said.log_key_history);
  if (known.log_key_history !== undefined)
    return keys.goesOnFrom(VerifiedKeys.of(known.log_key_history))
      ? undefined
      : 'Its key history is not the one before with more keys behind it.';
  const followed = followKeys(
    known.log_keys.map((key) => decodeVerifier(key)),
    said.log_key_history,
  );
  return followed.length > 0 &&
    followed.every(({ key_id }) => logKeysOf(said).some((key) => key.key_id.equals(key_id)))
    ? undefined
    : 'Its key history does not begin with the key that was known.';
}

function check({ log_keys, witness_key, origin: said }: WitnessIdentity, origin: string): void {
  const keys = log_keys.map((key) => decodeVerifier(key));
  if (said !== origin || keys.some(({ name, algorithm }) => name !== origin || algorithm !== 'ed25519'))
    throw new Error(`It says that it is ${said}, and was to be ${origin}.`);
  if (decodeVerifier(witness_key).algorithm !== 'cosignature')
    throw new Error(`The witness key of ${origin} is not one that cosigns.`);
}
