/** The keys of the region's log: in its folder, the private ones encrypted under MCP_LOG_SIGNING_SECRET, the first of which is made from that. */
import { hkdfSync, type KeyObject } from 'node:crypto';
import {
  type KeyChange,
  type KeyChanged,
  type KeyHistory,
  PlatformError,
  type Principal,
} from '@mcp/contracts';
import { HeldKeys, KeyRing, type KeyRingStore, logVerifiers } from '@mcp/provenance';
import {
  type Disk,
  type LogSigners,
  type Signer,
  signerOf,
  type Verifier,
  verifierOf,
} from '@mcp/provenance/tlog';
import { decrypt, encrypt, requireAdmin } from '@mcp/service-kit';
import { z } from 'zod';
import type { TransparencyLogKit } from './kit.ts';

const FILE = 'keys.json';
/** What a ring has in the file: its private keys are a text that AES-256-GCM made. */
const Kept = KeyRing.extend({ private_keys: z.string() });

interface LogKeysOptions {
  readonly kit: Pick<TransparencyLogKit, 'log' | 'metrics'>;
  readonly disk: Disk;
  readonly secret: string;
  /** The key from before there was a ring: it is the first one. */
  readonly first: Signer;
}

export class LogKeys implements LogSigners {
  readonly name: string;
  readonly #held: HeldKeys;
  readonly #kit: LogKeysOptions['kit'];

  private constructor({ first: { name }, kit }: LogKeysOptions, held: HeldKeys) {
    this.name = name;
    this.#held = held;
    this.#kit = kit;
  }

  /** Throws where the file cannot be read, or is encrypted under another secret. */
  static async open(options: LogKeysOptions): Promise<LogKeys> {
    const { kit, disk, secret, first } = options;
    const held = await HeldKeys.open({
      store: ringOn(disk, secret),
      first: first.private_key,
      failed: (err) => kit.log.error({ err }, 'the keys of the log cannot be read: those from before go on'),
    });
    return new LogKeys(options, held);
  }

  signers(): Signer[] {
    return this.#held.signing().map((key) => this.#signer(key));
  }

  verifiers(): Verifier[] {
    return logVerifiers(this.#held.verified, this.name);
  }

  /** Every key that the log has had, also those that are revoked: by which a checkpoint is known as its own. */
  ever(): Verifier[] {
    const revoked = this.#held.verified.revoked();
    return [
      ...this.verifiers(),
      ...revoked.map((key) => verifierOf(key, { name: this.name, algorithm: 'ed25519' })),
    ];
  }

  get history(): KeyHistory {
    return this.#held.published().history;
  }

  /** For administrators. */
  async change(change: KeyChange, principal: Principal): Promise<KeyChanged> {
    requireAdmin({ principal }, 'The keys of the transparency log are changed by administrators.');
    const changed = await this.#held.change(change);
    if (!changed.dry_run)
      this.#kit.log.info(
        { change: change.change, by: principal.id, ...changed.after },
        'the keys of the log were changed',
      );
    return changed;
  }

  close(): void {
    this.#held.close();
  }

  #signer(key: KeyObject): Signer {
    return signerOf(key, { name: this.name, algorithm: 'ed25519' });
  }
}

/** Its folder has one writer, who holds the lock: no other changes the file. */
function ringOn(disk: Disk, secret: string): KeyRingStore {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'mcp transparency log key ring', 32));
  const read = async (): Promise<KeyRing | undefined> => {
    const text = (await disk.read(FILE))?.toString();
    if (text === undefined) return undefined;
    const { revision, history, private_keys } = keptIn(text);
    const plain = decrypt(key, private_keys, `${revision}`)?.toString();
    if (plain === undefined)
      throw new PlatformError(
        'unavailable',
        `The keys of the transparency log (${FILE}) cannot be decrypted: they are encrypted under another MCP_LOG_SIGNING_SECRET, or were changed. Set that secret again, or put the file back.`,
      );
    return KeyRing.parse({ revision, history, private_keys: JSON.parse(plain) });
  };
  return {
    read,
    async replace(ring) {
      if (((await read())?.revision ?? 0) !== ring.revision - 1) return false;
      const private_keys = encrypt(key, Buffer.from(JSON.stringify(ring.private_keys)), `${ring.revision}`);
      await disk.replace(FILE, Buffer.from(`${JSON.stringify({ ...ring, private_keys }, null, 2)}\n`));
      return true;
    },
  };
}

function keptIn(text: string): z.infer<typeof Kept> {
  try {
    return Kept.parse(JSON.parse(text));
  } catch (cause) {
    throw new PlatformError(
      'unavailable',
      `The keys of the transparency log (${FILE}) are damaged. Put the file back from a copy of the folder: without it the log cannot be signed on.`,
      { cause },
    );
  }
}
