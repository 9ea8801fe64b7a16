/**
 * The values behind the names of conversations whose text the platform keeps, for the turns to come: encrypted on the
 * event bus, for all replicas, for a day.
 */
import type { CallContext } from '@mcp/contracts';
import type { PiiSession } from '@mcp/safety/pii';
import { PII_BUCKET, PiiEntries, type VaultPlace, vaultBinding, vaultKey } from '@mcp/safety/privacy';
import { decrypt, encrypt } from '@mcp/service-kit';
import type { GatewayKit } from '../kit.ts';

const MAX_BUCKET_BYTES = 64 * 1024 * 1024;
const LIFE_MS = 24 * 3600 * 1000;
/** Of one conversation; values beyond it stay names in later answers. */
const MAX_VALUES = 500;
const MAX_VAULT_BYTES = 128 * 1024;

type Bucket = Awaited<ReturnType<Awaited<ReturnType<GatewayKit['bus']>>['bucket']>>;

/** Of which conversation, and whose. */
interface Whose {
  readonly id: string;
  readonly call: CallContext;
}

export class PiiVault {
  readonly #kit: Pick<GatewayKit, 'bus' | 'signer' | 'log'>;
  #bucket: Promise<Bucket> | undefined;

  constructor(kit: Pick<GatewayKit, 'bus' | 'signer' | 'log'>) {
    this.#kit = kit;
    // Its room on the bus is taken at the start, or by the first use where the bus is away.
    void this.#open().catch(() => undefined);
  }

  /** Has a session know the names that were given before. Where the vault cannot be read, they stay names. */
  async load(session: PiiSession, whose: Whose): Promise<void> {
    await this.#tolerant(whose, async (key) => {
      const entry = await (await this.#open()).get(vaultKey(placeOf(whose)));
      if (entry === null || entry.operation !== 'PUT') return;
      const text = decrypt(key, entry.string(), vaultBinding(placeOf(whose)));
      if (text === undefined) throw new Error('It was changed, or is encrypted under another key.');
      session.pseudonyms.learn(PiiEntries.parse(JSON.parse(text.toString())));
    });
  }

  /** Keeps what a session knows. Where that fails, later answers have names. */
  async save(session: PiiSession, whose: Whose): Promise<void> {
    let entries = session.pseudonyms.entries(MAX_VALUES);
    if (entries.length === 0) return;
    await this.#tolerant(whose, async (key) => {
      let text = JSON.stringify(entries);
      for (; Buffer.byteLength(text) > MAX_VAULT_BYTES; text = JSON.stringify(entries))
        entries = entries.slice(0, Math.floor(entries.length / 2));
      const place = placeOf(whose);
      await (await this.#open()).put(vaultKey(place), encrypt(key, Buffer.from(text), vaultBinding(place)));
    });
  }

  async #tolerant({ id, call }: Whose, work: (key: Buffer) => Promise<void>): Promise<void> {
    const { signer, log } = this.#kit;
    // Without a key that all replicas have, nothing is kept.
    if (signer === undefined) return;
    try {
      await work(signer.keyFor('vault of personal data'));
    } catch (err) {
      log.warn({ err, id, request_id: call.request_id }, 'the vault of personal data could not be used');
    }
  }

  #open(): Promise<Bucket> {
    this.#bucket ??= this.#kit
      .bus()
      .then((bus) => bus.bucket(PII_BUCKET, { history: 1, ttl: LIFE_MS, max_bytes: MAX_BUCKET_BYTES }))
      .catch((error: unknown) => {
        this.#bucket = undefined;
        throw error;
      });
    return this.#bucket;
  }
}

function placeOf({ id, call }: Whose): VaultPlace {
  return { owner: call.principal.id, conversation_id: id };
}
