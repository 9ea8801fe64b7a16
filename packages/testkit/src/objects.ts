import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssetStore } from '@mcp/assets';
import { freePort } from './nats.ts';

const START_TIMEOUT_MS = 60_000;
const BUCKET = 'logs';

export interface ObjectStorage {
  /** `s3://key:secret@bucket/prefix?endpoint=…`: an empty place in its bucket. */
  url(prefix: string): string;
  /** Kills it and removes what it stored. */
  close(): Promise<void>;
}

/** Starts a real object storage that speaks S3 (SeaweedFS), with one bucket and one key; `locks`: objects there can be locked. */
export async function startObjectStorage({ locks = false } = {}): Promise<ObjectStorage> {
  const program = new AssetStore({ offline: true }).locate('seaweedfs');
  if (program === undefined)
    throw new Error('seaweedfs is not here. npm test fetches it; or put weed on PATH.');
  const dir = mkdtempSync(join(tmpdir(), 'mcp-objects-'));
  const [key, secret] = [randomBytes(8).toString('hex'), randomBytes(16).toString('hex')];
  const config = join(dir, 's3.json');
  writeFileSync(
    config,
    JSON.stringify({
      identities: [
        {
          name: 'test',
          credentials: [{ accessKey: key, secretKey: secret }],
          actions: ['Admin', 'Read', 'Write', 'List'],
        },
      ],
    }),
  );
  const ports = new Map<string, number>();
  for (const part of ['master', 'volume', 'filer', 's3'])
    for (const port of [`${part}.port`, `${part}.port.grpc`]) ports.set(port, await freePort());
  const endpoint = `http://127.0.0.1:${ports.get('s3.port')}`;
  const listen = [...ports].map(([name, port]) => `-${name}=${port}`);
  const parts = ['-filer', '-s3', '-s3.port.iceberg=0', '-s3.port.lance=0', '-volume.max=2'];
  const child = spawn(
    program,
    ['server', `-dir=${dir}`, '-ip=127.0.0.1', ...parts, `-s3.config=${config}`, ...listen],
    { cwd: dir, stdio: 'ignore' },
  );
  const onExit = () => void child.kill('SIGKILL');
  process.once('exit', onExit);
  await ready(`${endpoint}/${BUCKET}`, child);
  await takesObjects({ endpoint, key, secret, locks });
  return {
    url: (prefix) => `s3://${key}:${secret}@${BUCKET}/${prefix}?endpoint=${encodeURIComponent(endpoint)}`,
    async close() {
      process.off('exit', onExit);
      const gone = new Promise<void>((done) => child.once('exit', () => done()));
      if (child.exitCode === null && child.kill('SIGKILL')) await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Makes the bucket. The first object takes seconds, as room for it is made: that one is written here. */
async function takesObjects(at: {
  endpoint: string;
  key: string;
  secret: string;
  locks: boolean;
}): Promise<void> {
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: at.endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId: at.key, secretAccessKey: at.secret },
  });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: at.locks }));
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'first', Body: 'x' }));
  client.destroy();
}

/** It answers before it is ready: ready is when it refuses a stranger. */
async function ready(url: string, child: ChildProcess): Promise<void> {
  for (const until_ms = Date.now() + START_TIMEOUT_MS; Date.now() < until_ms; await sleep(100)) {
    if (child.exitCode !== null) throw new Error(`weed ended with ${child.exitCode}`);
    const status = await fetch(url).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 403) return;
  }
  throw new Error(`the object storage did not start within ${START_TIMEOUT_MS} ms`);
}
