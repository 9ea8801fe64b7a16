// One replica of the core at the pass of a benchmark, to be killed: node replica.ts <url of PostgreSQL> <key of the KMS>
import { benchCall, openParts } from './parts.ts';

const [, , url, key = ''] = process.argv;
const { open, pruner } = await openParts({ file: '', url }, key);
while (!(await pruner.next(benchCall())).complete);
await open.close();
