/** A place in object storage as a shelf: each text an object, never written over, and locked where the bucket locks. */
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { type BucketKey, openBucket } from '@mcp/object-storage';
import { collectAtMost } from '@mcp/service-kit';
import { MAX_NAMES, MAX_TEXT_BYTES, type Shelf } from './shelf.ts';

/** Names that one request lists at most. */
const PAGE = 1000;
const DAY_MS = 86_400_000;

export interface S3Options {
  /** With or without a key in it. */
  readonly url: string;
  readonly key: BucketKey | undefined;
  /** Undefined: what the bucket itself says of new objects holds. */
  readonly retain_days: number | undefined;
}

export function s3Shelf({ url, key, retain_days }: S3Options, folder: string): Shelf {
  const { client, name: Bucket, prefix } = openBucket(url, key);
  const root = folder === '' ? prefix : `${prefix}${folder}/`;
  return {
    place: `s3://${Bucket}/${root}`,
    async get(name) {
      try {
        const Range = `bytes=0-${MAX_TEXT_BYTES}`;
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: `${root}${name}`, Range }));
        const body = Body as AsyncIterable<Uint8Array> | undefined;
        return body === undefined ? '' : (await collectAtMost(body, MAX_TEXT_BYTES))?.toString();
      } catch (error) {
        // 416: it is empty.
        if (statusOf(error) === 404 || statusOf(error) === 416) return undefined;
        throw error;
      }
    },
    async put(name, text) {
      const lock =
        retain_days === undefined
          ? {}
          : {
              ObjectLockMode: 'COMPLIANCE' as const,
              ObjectLockRetainUntilDate: new Date(Date.now() + retain_days * DAY_MS),
            };
      try {
        await client.send(
          new PutObjectCommand({
            Bucket,
            Key: `${root}${name}`,
            Body: text,
            ContentType: 'text/plain; charset=utf-8',
            IfNoneMatch: '*',
            ...lock,
          }),
        );
        return true;
      } catch (error) {
        if (statusOf(error) === 412) return false;
        throw error;
      }
    },
    async list() {
      const names: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: root,
            MaxKeys: PAGE,
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
        );
        names.push(...(page.Contents ?? []).map(({ Key = '' }) => Key.slice(root.length)));
        if (names.length > MAX_NAMES)
          throw new Error(
            `s3://${Bucket}/${root} has more than ${MAX_NAMES} objects: give it another prefix.`,
          );
        ContinuationToken = page.Contents?.length === 0 ? undefined : page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      return names;
    },
    close: () => client.destroy(),
  };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
