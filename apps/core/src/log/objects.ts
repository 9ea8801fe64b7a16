import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { PlatformError } from '@mcp/contracts';
import { openBucket } from '@mcp/object-storage';
import type { EncryptedLog } from '@mcp/provenance';
import type { LogArchive } from './archive.ts';

/** Digits of a count of records in a key, so that keys are in the order of counts. */
const DIGITS = 6;

/**
 * Committed logs in object storage that speaks S3: `<prefix>/<uuid>/<records>.json`. Each commit of a conversation is an
 * object of its own and none is written over, so that a bucket may lock its objects. Without a key in
 * the URL, credentials come from where the AWS SDK looks for them: the environment, or the identity of the pod.
 */
export class LogObjects implements LogArchive {
  readonly name = 'archived log';
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** `s3://key:secret@bucket/prefix?endpoint=https://…&region=…`; without an endpoint, Amazon's own. */
  constructor(address: string) {
    const { client, name: bucket, prefix } = openBucket(address);
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async write(log: EncryptedLog): Promise<void> {
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: this.#keyOf(log),
          Body: `${JSON.stringify(log, null, 2)}\n`,
          ContentType: 'application/json',
        }),
      );
    } catch (cause) {
      throw new PlatformError(
        'unavailable',
        `The log of conversation ${log.id} cannot be archived in ${this.#bucket} (${nameOf(cause)}). What was said is in the store; it is archived once the object storage takes it.`,
        { cause },
      );
    }
  }

  async writeAudit(id: string, file: string): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: `${this.#folder('audit')}${id}.json`,
        Body: file,
        ContentType: 'application/json',
      }),
    );
  }

  /** Objects of earlier commits are deleted where the bucket lets them be; what stays cannot be decrypted. */
  async erase(tombstone: EncryptedLog): Promise<void> {
    await this.write(tombstone);
    const kept = this.#keyOf(tombstone);
    for (const Key of await this.#keysOf(tombstone.id).catch(() => []))
      if (Key !== kept)
        await this.#client
          .send(new DeleteObjectCommand({ Bucket: this.#bucket, Key }))
          .catch(() => undefined);
  }

  async read(id: string): Promise<unknown> {
    const newest = (await this.#keysOf(id)).at(-1);
    if (newest === undefined) return undefined;
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: newest }));
    return JSON.parse((await Body?.transformToString()) ?? '');
  }

  close(): void {
    this.#client.destroy();
  }

  /** In the order of their commits. */
  async #keysOf(id: string): Promise<string[]> {
    const Prefix = this.#folder(id);
    const { Contents = [] } = await this.#client.send(
      new ListObjectsV2Command({ Bucket: this.#bucket, Prefix }),
    );
    return Contents.map(({ Key = '' }) => Key).sort();
  }

  #keyOf({ id, messages }: EncryptedLog): string {
    return `${this.#folder(id)}${String(messages.length).padStart(DIGITS, '0')}.json`;
  }

  #folder(id: string): string {
    return `${this.#prefix}${id}/`;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown reason';
}
