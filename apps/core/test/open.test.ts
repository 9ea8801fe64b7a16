import { startPostgres } from '@mcp/testkit';
import { sql } from 'kysely';
import postgres from 'postgres';
import { expect, it } from 'vitest';
import { openDatabase } from '../src/store/open.ts';

const REPLICAS = 6;
const CONNECTIONS = 2;

it('replicas that start together on a new PostgreSQL make its tables once, and keep to their connections', async () => {
  const server = await startPostgres();
  try {
    const url = await server.database();
    const opened = await Promise.allSettled(
      Array.from({ length: REPLICAS }, () => openDatabase({ file: '', url, connections: CONNECTIONS })),
    );
    const clients = postgres(url, { max: 1 });
    const busy = opened.flatMap((one) =>
      one.status === 'fulfilled'
        ? Array.from({ length: 10 }, () => sql`select pg_sleep(0.05)`.execute(one.value.db))
        : [],
    );
    const [row] =
      await clients`select count(*)::int as count from pg_stat_activity where application_name = 'mcp-core'`;
    await Promise.all([...busy, clients.end()]);
    expect(row?.count).toBeGreaterThan(0);
    expect(row?.count).toBeLessThanOrEqual(REPLICAS * CONNECTIONS);
    for (const one of opened) if (one.status === 'fulfilled') await one.value.close();
    expect(opened.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([]);
  } finally {
    await server.close();
  }
});

it('a database that cannot be reached is named with its reason', async () => {
  const url = 'postgres://mcp@127.0.0.1:1/mcp';
  await expect(openDatabase({ file: '', url, connections: CONNECTIONS })).rejects.toThrow(
    /up to date \(.*ECONNREFUSED.*Check DATABASE_URL/,
  );
});
