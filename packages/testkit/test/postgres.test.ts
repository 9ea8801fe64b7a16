import { startPostgres } from '@mcp/testkit';
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';

it('PostgreSQL is real, gives each test a database of its own, and keeps it over a crash', async () => {
  const server = await startPostgres();
  onTestFinished(() => server.close());
  const [one, other] = [postgres(await server.database()), postgres(await server.database())];
  onTestFinished(async () => void (await Promise.all([one.end(), other.end()])));
  expect(await one`select version()`).toMatchObject([{ version: expect.stringMatching(/^PostgreSQL 18\./) }]);
  await one`create table kept (word text)`;
  await one`insert into kept values ('still here')`;
  await expect(other`select * from kept`).rejects.toThrow('does not exist');
  await server.stop();
  await server.start();
  expect(await one`select * from kept`).toMatchObject([{ word: 'still here' }]);
});
