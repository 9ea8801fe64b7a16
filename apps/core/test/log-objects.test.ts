import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { verifyLog } from '@mcp/provenance';
import { type ObjectStorage, startObjectStorage } from '@mcp/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { callOf, chat, cleanUp, idOf, SECRET, startCore, startReplica, storeInPostgres } from './harness.ts';

let storage: ObjectStorage;
storeInPostgres();
beforeAll(async () => {
  storage = await startObjectStorage();
}, 90_000);
afterAll(() => storage?.close());
afterEach(cleanUp);

/** The bucket, as an auditor sees it. */
function bucketOf(url: string) {
  const { hostname: Bucket, username, password, searchParams } = new URL(url);
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: searchParams.get('endpoint') ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId: username, secretAccessKey: password },
  });
  return {
    keys: async (Prefix: string) =>
      (await client.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents?.map(({ Key }) => Key) ?? [],
    async get(Key: string) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return (await Body?.transformToString()) ?? '';
    },
    put: (Key: string, Body: string) => client.send(new PutObjectCommand({ Bucket, Key, Body })),
  };
}

describe('committed logs in object storage', () => {
  it('each commit is an object of its own, and any replica compares with the newest', async () => {
    const url = storage.url('logs');
    const bucket = bucketOf(url);
    const core = await startCore({ env: { MCP_LOG_ARCHIVE_URL: url } });
    const id = idOf(await chat(core, { message: 'Hi' }));
    await chat(core, { conversation_id: id, message: 'And on.' });
    const keys = [`logs/${id}/000006.json`, `logs/${id}/000010.json`];
    expect(await bucket.keys(`logs/${id}/`)).toEqual(keys);
    for (const [i, key] of keys.entries())
      expect(verifyLog(JSON.parse(await bucket.get(key)), { secret: SECRET })).toMatchObject({
        status: 'unconfirmed',
        records: [6, 10][i],
      });
    const other = await startReplica(core, { env: { MCP_LOG_ARCHIVE_URL: url } });
    expect(await other.api.verifyConversation(id, callOf())).toMatchObject({ status: 'ok', records: 10 });
    const changed = JSON.parse(await bucket.get(keys[1] ?? ''));
    changed.messages[3].encrypted = changed.messages[2].encrypted;
    await bucket.put(keys[1] ?? '', JSON.stringify(changed));
    expect(await other.api.verifyConversation(id, callOf())).toMatchObject({
      status: 'broken',
      broken_at: 3,
      reason: expect.stringContaining('archived log'),
    });
  });

  it('that is away holds up no conversation: the log is archived once it is back', async () => {
    const url = storage.url('away');
    const nobody = url.replace(/127\.0\.0\.1%3A\d+/, '127.0.0.1%3A9');
    const core = await startCore({ env: { MCP_LOG_ARCHIVE_URL: nobody } });
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({
      status: 'unconfirmed',
      records: 5,
    });
    await core.stop();
    const again = await startCore({ dir: core.dir, env: { MCP_LOG_ARCHIVE_URL: url } });
    await expect.poll(async () => (await again.api.verifyConversation(id, callOf())).status).toBe('ok');
    expect(await bucketOf(url).keys(`away/${id}/`)).toEqual([`away/${id}/000005.json`]);
  });
});
