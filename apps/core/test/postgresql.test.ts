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
  'log-keys',
  'attach',
  'answers',
  'transparency',
  'encryption',
  'version-1',
  'retention',
])('on PostgreSQL: %s', async (file) => {
  await import(`./${file}.test.ts`);
});
