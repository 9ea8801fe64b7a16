/** A place in object storage that speaks S3, opened by its URL. */
import { S3Client } from '@aws-sdk/client-s3';

/** An object storage that takes longer has failed: it is tried again later. */
const TIMEOUT_MS = 3000;

export interface Bucket {
  readonly client: S3Client;
  readonly name: string;
  /** What keys begin with there; with a slash at its end, or empty. */
  readonly prefix: string;
}

/** The key of an access to object storage. */
export interface BucketKey {
  readonly id: string;
  readonly secret: string;
}

/**
 * `s3://key:secret@bucket/prefix?endpoint=https://…&region=…`; without an endpoint, Amazon's own. Without a key in the
 * URL or beside it, credentials come from where the AWS SDK looks for them: the environment, or the identity of the pod.
 */
export function openBucket(address: string, beside?: BucketKey): Bucket {
  const url = new URL(address);
  const inUrl = { id: decodeURIComponent(url.username), secret: decodeURIComponent(url.password) };
  const key = inUrl.id === '' ? beside : inUrl;
  const endpoint = url.searchParams.get('endpoint');
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  return {
    name: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    client: new S3Client({
      region: url.searchParams.get('region') ?? 'us-east-1',
      ...(key === undefined ? {} : { credentials: { accessKeyId: key.id, secretAccessKey: key.secret } }),
      // Servers of one's own seldom have a host name for each bucket.
      ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
      maxAttempts: 2,
      requestHandler: {
        connectionTimeout: TIMEOUT_MS,
        requestTimeout: TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
    }),
  };
}
