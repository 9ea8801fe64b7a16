/** The transit engine of HashiCorp Vault and of OpenBao: <https://openbao.org/api-docs/secret/transit/>. */
import { z } from 'zod';
import { askKms } from './http.ts';
import { type Kms, kmsRefuses, type Wrapped } from './kms.ts';
import type { KmsSettings } from './settings.ts';

const Ciphertext = z.object({ data: z.object({ ciphertext: z.string().regex(/^vault:v\d+:/) }) });
const Plaintext = z.object({ data: z.object({ plaintext: z.base64() }) });
const KeyInfo = z.object({ data: z.object({ latest_version: z.number().int().positive() }) });

type VaultSettings = Extract<KmsSettings, { kind: 'vault' }>;

export class VaultKms implements Kms {
  readonly #settings: VaultSettings;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(settings: VaultSettings, token: string | undefined) {
    if (token === undefined)
      throw kmsRefuses('vault', 'MCP_KMS_TOKEN is not set, and it asks for a token with each request');
    const { namespace } = settings;
    this.#settings = settings;
    this.#headers = {
      'x-vault-token': token,
      'x-vault-request': 'true',
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
    };
  }

  async currentVersion(): Promise<string> {
    const { data } = await this.#ask('keys', undefined, KeyInfo);
    return this.#version(`v${data.latest_version}`);
  }

  async wrap(plaintext: Buffer): Promise<Wrapped> {
    const body = { plaintext: plaintext.toString('base64') };
    return this.#wrapped(await this.#ask('encrypt', body, Ciphertext));
  }

  async unwrap(text: string): Promise<Buffer> {
    const { data } = await this.#ask('decrypt', { ciphertext: text }, Plaintext);
    return Buffer.from(data.plaintext, 'base64');
  }

  async rewrap(text: string): Promise<Wrapped> {
    return this.#wrapped(await this.#ask('rewrap', { ciphertext: text }, Ciphertext));
  }

  close(): void {
    // It holds nothing open.
  }

  #wrapped({ data: { ciphertext } }: z.infer<typeof Ciphertext>): Wrapped {
    return { text: ciphertext, key_version: this.#version(ciphertext.split(':')[1] ?? '') };
  }

  #version(version: string): string {
    return `vault:${this.#settings.mount}/${this.#settings.key}:${version}`;
  }

  #ask<S extends z.ZodType>(
    what: 'keys' | 'encrypt' | 'decrypt' | 'rewrap',
    body: object | undefined,
    answer: S,
  ): Promise<z.output<S>> {
    const { address, mount, key } = this.#settings;
    const url = `${address.replace(/\/+$/, '')}/v1/${mount}/${what}/${key}`;
    return askKms({ name: 'vault', url, headers: this.#headers, body, answer });
  }
}
