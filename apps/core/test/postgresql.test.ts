import { describe } from 'vitest';
import { storeInPostgres } from './harness.ts';

// Everything that holds on SQLite, on a real PostgreSQL. A new file of tests on the store: its name here.
storeInPostgres();
describe.each([
  'conversation',
  'interruptions',
  'http',
  'log-heads',
  'leases',
  'list',
  'attach',
  'answers',
  'transparency',
  'encryption',
  'version-1',
])('on PostgreSQL: %s', async (file) => {
  await import(`./${file}.test.ts`);
});
