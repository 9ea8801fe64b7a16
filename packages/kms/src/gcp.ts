/** Google Cloud KMS over its REST interface: <https://cloud.google.com/kms/docs/reference/rest>. */
import { jsonOf } from '@mcp/contracts';
import { GoogleAuth, JWT } from 'google-auth-library';
import { z } from 'zod';
import { askKms } from './http.ts';
import { type Kms, kmsAway, kmsRefuses, type Wrapped } from './kms.ts';
import type { KmsSettings } from './settings.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloudkms';
const ServiceAccount = z.looseObject({ client_email: z.string(), private_key: z.string() });
const Encrypted = z.object({ name: z.string(), ciphertext: z.base64() });
const Decrypted = z.object({ plaintext: z.base64() });
const CryptoKey = z.object({ primary: z.object({ name: z.string() }) });

type GcpSettings = Extract<KmsSettings, { kind: 'gcp' }>;

export class GcpKms implements Kms {
  readonly #settings: GcpSettings;
  readonly #auth: Pick<GoogleAuth, 'getRequestHeaders'>;

  /** `account`: the key file of a service account; without one, the identity of the pod or machine. */
  constructor(settings: GcpSettings, account: string | undefined) {
    const credentials = account === undefined ? undefined : ServiceAccount.safeParse(jsonOf(account));
    if (credentials?.success === false)
      throw kmsRefuses('gcp', 'MCP_KMS_TOKEN is not the key file (JSON) of a service account');
    this.#settings = settings;
    this.#auth = credentials === undefined ? new GoogleAuth({ scopes: SCOPE }) : signing(credentials.data);
  }

  async currentVersion(): Promise<string> {
    const { primary } = await this.#ask('', undefined, CryptoKey);
    return `gcp:${primary.name}`;
  }

  async wrap(plaintext: Buffer): Promise<Wrapped> {
    const body = { plaintext: plaintext.toString('base64') };
    const { name, ciphertext } = await this.#ask(':encrypt', body, Encrypted);
    return { text: ciphertext, key_version: `gcp:${name}` };
  }

  async unwrap(text: string): Promise<Buffer> {
    const { plaintext } = await this.#ask(':decrypt', { ciphertext: text }, Decrypted);
    return Buffer.from(plaintext, 'base64');
  }

  /** It has no request for that. */
  async rewrap(text: string): Promise<Wrapped> {
    return this.wrap(await this.unwrap(text));
  }

  close(): void {
    // It holds nothing open.
  }

  async #ask<S extends z.ZodType>(
    what: '' | ':encrypt' | ':decrypt',
    body: object | undefined,
    answer: S,
  ): Promise<z.output<S>> {
    const { endpoint, key } = this.#settings;
    const url = `${endpoint.replace(/\/+$/, '')}/v1/${key}${what}`;
    const headers = await this.#auth.getRequestHeaders().catch((cause: unknown) => {
      throw kmsAway('gcp', cause);
    });
    return askKms({ name: 'gcp', url, headers: Object.fromEntries(headers), body, answer });
  }
}

/** Tokens of a service account that it signs itself: nobody else has to be asked for them. */
function signing({ client_email: email, private_key: key }: z.infer<typeof ServiceAccount>): JWT {
  const client = new JWT({ email, key, scopes: [SCOPE] });
  client.useJWTAccessWithScope = true;
  return client;
}
