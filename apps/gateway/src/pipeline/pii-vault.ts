/**
 * The values behind the names of conversations whose text the platform keeps, for the turns to come: encrypted on the
 * event bus, for all replicas, for a day.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { CallContext } from '@mcp/contracts';
import type { PiiSession } from '@mcp/safety/pii';
import { PiiEntries } from '@mcp/safety/privacy';
import type { GatewayKit } from '../kit.ts';

const BUCKET = 'mcp_pii';
const MAX_BUCKET_BYTES = 64 * 1024 * 1024;
const LIFE_MS = 24 * 3600 * 1000;
/** Of one conversation; values beyond it stay names in later answers. */
const MAX_VALUES = 500;
const MAX_VAULT_BYTES = 128 * 1024;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

type Bucket = Awaited<ReturnType<Awaited<ReturnType<GatewayKit['bus']>>['bucket']>>;

/** Of which conversation or stored response, and whose. */
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
      const entry = await (await this.#open()).get(nameOf(whose));
      if (entry === null || entry.operation !== 'PUT') return;
      session.pseudonyms.learn(PiiEntries.parse(JSON.parse(decrypted(entry.value, key, aadOf(whose)))));
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
      await (await this.#open()).put(nameOf(whose), encrypted(text, key, aadOf(whose)));
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
      .then((bus) => bus.bucket(BUCKET, { history: 1, ttl: LIFE_MS, max_bytes: MAX_BUCKET_BYTES }))
      .catch((error: unknown) => {
        this.#bucket = undefined;
        throw error;
      });
    return this.#bucket;
  }
}

/** Its owner is in it: what somebody else asks for under the same id is not there. */
function aadOf({ id, call }: Whose): string {
  return JSON.stringify([call.principal.id, id]);
}

function nameOf(whose: Whose): string {
  return createHash('sha256').update(aadOf(whose)).digest('hex');
}

/** AES-256-GCM: nonce, tag, text. */
function encrypted(text: string, key: Buffer, aad: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function decrypted(bytes: Uint8Array, key: Buffer, aad: string): string {
  const body = NONCE_BYTES + TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(NONCE_BYTES, body));
  return `${decipher.update(bytes.subarray(body), undefined, 'utf8')}${decipher.final('utf8')}`;
}
