/** AWS KMS. Credentials come from where the AWS SDK looks for them: the environment, or the identity of the pod. */
import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  KMSClient,
  KMSServiceException,
  ReEncryptCommand,
} from '@aws-sdk/client-kms';
import { KMS_TIMEOUT_MS, type Kms, kmsAway, kmsRefuses, type Wrapped } from './kms.ts';
import type { KmsSettings } from './settings.ts';

/** What its audit trail shows of a request, and what a policy of the key may ask for. */
const CONTEXT = { purpose: 'mcp-data-key' };

type AwsSettings = Extract<KmsSettings, { kind: 'aws' }>;

interface Blob {
  readonly CiphertextBlob?: Uint8Array | undefined;
  readonly KeyId?: string | undefined;
}

export class AwsKms implements Kms {
  readonly #client: KMSClient;
  readonly #key: string;

  constructor({ key, region, endpoint }: AwsSettings) {
    this.#key = key;
    this.#client = new KMSClient({
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      maxAttempts: 2,
      requestHandler: {
        connectionTimeout: KMS_TIMEOUT_MS,
        requestTimeout: KMS_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
    });
  }

  async currentVersion(): Promise<string> {
    const { KeyMetadata } = await asked((bound) =>
      this.#client.send(new DescribeKeyCommand({ KeyId: this.#key }), bound),
    );
    return `aws:${KeyMetadata?.Arn ?? ''}`;
  }

  async wrap(plaintext: Buffer): Promise<Wrapped> {
    return wrappedOf(
      await asked((bound) =>
        this.#client.send(
          new EncryptCommand({ KeyId: this.#key, Plaintext: plaintext, EncryptionContext: CONTEXT }),
          bound,
        ),
      ),
    );
  }

  async unwrap(text: string): Promise<Buffer> {
    const { Plaintext } = await asked((bound) =>
      this.#client.send(
        new DecryptCommand({ CiphertextBlob: Buffer.from(text, 'base64'), EncryptionContext: CONTEXT }),
        bound,
      ),
    );
    if (Plaintext === undefined) throw kmsRefuses('aws', 'its answer has no plaintext');
    return Buffer.from(Plaintext);
  }

  async rewrap(text: string): Promise<Wrapped> {
    return wrappedOf(
      await asked((bound) =>
        this.#client.send(
          new ReEncryptCommand({
            CiphertextBlob: Buffer.from(text, 'base64'),
            SourceEncryptionContext: CONTEXT,
            DestinationKeyId: this.#key,
            DestinationEncryptionContext: CONTEXT,
          }),
          bound,
        ),
      ),
    );
  }

  close(): void {
    this.#client.destroy();
  }
}

function wrappedOf({ CiphertextBlob, KeyId }: Blob): Wrapped {
  if (CiphertextBlob === undefined) throw kmsRefuses('aws', 'its answer has no ciphertext');
  return { text: Buffer.from(CiphertextBlob).toString('base64'), key_version: `aws:${KeyId ?? ''}` };
}

/** The time of one request bounds all attempts at it. */
async function asked<T>(send: (bound: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
  try {
    return await send({ abortSignal: AbortSignal.timeout(KMS_TIMEOUT_MS) });
  } catch (error) {
    if (!(error instanceof KMSServiceException)) throw kmsAway('aws', error);
    const { httpStatusCode = 500 } = error.$metadata;
    // What it says of its own state comes with a status of the caller's faults.
    const away =
      httpStatusCode >= 500 || httpStatusCode === 429 || error.$retryable !== undefined || isBusy(error.name);
    throw away ? kmsAway('aws', error) : kmsRefuses('aws', error.name, error);
  }
}

function isBusy(name: string): boolean {
  return ['ThrottlingException', 'LimitExceededException', 'DependencyTimeoutException'].includes(name);
}
