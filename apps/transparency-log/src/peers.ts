/** Whom this service asks to cosign and whose logs it cosigns: linked regions, and those that the operator names. */
import { WitnessIdentity } from '@mcp/contracts';
import { type Disk, decodeVerifier, type Verifier } from '@mcp/provenance/tlog';
import { textAtMost } from '@mcp/service-kit';
import { z } from 'zod';
import type { TransparencyLogKit } from './kit.ts';

const PINNED = 'witness/peers.json';
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024;

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
  /** What regions said of themselves when they were first asked: from then on they are nobody else. */
  readonly #pinned: Map<string, WitnessIdentity>;
  readonly #outside: readonly AskedWitness[];
  readonly #watched: readonly Verifier[];

  private constructor(deps: PeersDeps, pinned: z.infer<typeof Pinned>) {
    const { MCP_LOG_WITNESSES: witnesses, MCP_LOG_WITNESSED: watched } = deps.kit.config;
    this.#deps = deps;
    this.#pinned = new Map(Object.entries(pinned));
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
    const pinned = this.#known(origin)?.log_keys.map((key) => decodeVerifier(key)) ?? [];
    return [...pinned, ...this.#watched.filter(({ name }) => name === origin)];
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

  /** Asks regions who they are that never said; the answer holds for ever. Does not throw. */
  async meet(): Promise<void> {
    const { kit, disk } = this.#deps;
    for (const { origin, url } of kit.config.MCP_LOG_PEERS) {
      if (this.#known(origin) !== undefined) continue;
      try {
        const { status, text } = await fetchText(url);
        if (status !== 200) throw new Error(`${url} answers ${status}.`);
        const said = WitnessIdentity.parse(JSON.parse(text));
        check(said, origin);
        this.#pinned.set(origin, said);
        await disk.replace(
          PINNED,
          Buffer.from(`${JSON.stringify(Object.fromEntries(this.#pinned), null, 2)}\n`),
        );
        kit.log.info(
          { origin, witness_key: said.witness_key },
          'the log of another region is known from now on',
        );
      } catch (err) {
        this.#pinned.delete(origin);
        kit.log.debug({ err, origin }, 'another region does not say yet who it is');
      }
    }
  }

  #known(origin: string): WitnessIdentity | undefined {
    const listed = this.#deps.kit.config.MCP_LOG_PEERS.some((peer) => peer.origin === origin);
    return listed ? this.#pinned.get(origin) : undefined;
  }
}

function check({ log_keys, witness_key, origin: said }: WitnessIdentity, origin: string): void {
  const keys = log_keys.map((key) => decodeVerifier(key));
  if (said !== origin || keys.some(({ name, algorithm }) => name !== origin || algorithm !== 'ed25519'))
    throw new Error(`It says that it is ${said}, and was to be ${origin}.`);
  if (decodeVerifier(witness_key).algorithm !== 'cosignature')
    throw new Error(`The witness key of ${origin} is not one that cosigns.`);
}
