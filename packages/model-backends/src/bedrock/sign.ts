/** Signature version 4 for Bedrock. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { UpstreamOptions } from '../upstream.ts';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Signs each request by these credentials, else by those that AWS's own tools would find on this machine. */
export function signing(
  region: string,
  credentials: Credentials | undefined,
): NonNullable<UpstreamOptions['authorize']> {
  const found = async () => {
    const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
    return await defaultProvider()();
  };
  const given = async () => {
    const { accessKeyId = '', secretAccessKey = '', sessionToken } = credentials ?? {};
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  };
  const signer = new SignatureV4({
    service: 'bedrock',
    region,
    credentials: credentials === undefined ? found : given,
    sha256: Sha256,
  });
  return async ({ method, url, body }) => {
    const { host, hostname, pathname, protocol } = new URL(url);
    const headers = { host, 'content-type': 'application/json' };
    const signed = await signer.sign({ method, protocol, hostname, path: pathname, headers, body });
    return signed.headers;
  };
}

class Sha256 {
  #hash: Hash | Hmac;
  readonly #secret: Uint8Array | string | undefined;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret =
      secret === undefined || typeof secret === 'string'
        ? secret
        : ArrayBuffer.isView(secret)
          ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
          : new Uint8Array(secret);
    this.#hash = this.#fresh();
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#fresh();
  }

  #fresh(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
  }
}
