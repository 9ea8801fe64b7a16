/** A key of the platform's own secrets: for one machine, and for clusters without a key management service. */
import { createHash, hkdfSync } from 'node:crypto';
import { decrypt, encrypt } from '@mcp/service-kit';
import { type Kms, kmsRefuses, type Wrapped } from './kms.ts';

interface LocalKey {
  readonly version: string;
  readonly bytes: Buffer;
}

export class LocalKms implements Kms {
  readonly #keys: readonly [LocalKey, ...LocalKey[]];

  /** Secrets separated by commas: the first wraps, all unwrap. */
  constructor(secrets: string) {
    const [first = '', ...others] = secrets
      .split(',')
      .map((secret) => secret.trim())
      .filter((secret) => secret !== '');
    this.#keys = [keyOf(first), ...others.map(keyOf)];
  }

  currentVersion(): Promise<string> {
    return Promise.resolve(this.#keys[0].version);
  }

  wrap(plaintext: Buffer): Promise<Wrapped> {
    const [{ version, bytes }] = this.#keys;
    return Promise.resolve({
      text: `${version}:${encrypt(bytes, plaintext, version)}`,
      key_version: version,
    });
  }

  async unwrap(text: string): Promise<Buffer> {
    const at = text.lastIndexOf(':');
    const version = text.slice(0, at);
    const key = this.#keys.find((one) => one.version === version);
    if (key === undefined)
      throw kmsRefuses('local', `the key ${version.slice(0, 40)} is not among those of MCP_KMS_KEY`);
    const plaintext = decrypt(key.bytes, text.slice(at + 1), version);
    if (plaintext === undefined) throw kmsRefuses('local', 'a wrapped data key was changed');
    return plaintext;
  }

  async rewrap(text: string): Promise<Wrapped> {
    return this.wrap(await this.unwrap(text));
  }

  close(): void {
    // It holds nothing open.
  }
}

function keyOf(secret: string): LocalKey {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', 'mcp key encryption key', 32));
  const version = `local:${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
  return { version, bytes };
}
