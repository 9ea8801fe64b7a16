import { startPostgres } from '@mcp/testkit';
import { expect, it } from 'vitest';
import { openDatabase } from '../src/store/open.ts';

const REPLICAS = 6;

it('replicas that start together on a new PostgreSQL make its tables once', async () => {
  const server = await startPostgres();
  try {
    const url = await server.database();
    const opened = await Promise.allSettled(
      Array.from({ length: REPLICAS }, () => openDatabase({ file: '', url })),
    );
    for (const one of opened) if (one.status === 'fulfilled') await one.value.close();
    expect(opened.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([]);
  } finally {
    await server.close();
  }
});

it('a database that cannot be reached is named with its reason', async () => {
  const url = 'postgres://mcp@127.0.0.1:1/mcp';
  await expect(openDatabase({ file: '', url })).rejects.toThrow(
    /up to date \(.*ECONNREFUSED.*Check DATABASE_URL/,
  );
});
