import { createHash } from 'node:crypto';
import { JobFile, type JobSpec } from '@mcp/contracts';
import { connectBus, createLogger } from '@mcp/service-kit';
import { expect, it, onTestFinished } from 'vitest';
import { callOf, type Engine, ended, startEngine } from './support.ts';

/** The smallest store that the setting allows: two of these exports have room in it, a third has not. */
const SMALL = { MCP_JOB_RESULTS_BYTES: '1000000', MCP_JOB_MAX_ATTEMPTS: '1' };
const EXPORT: JobSpec = { kind: 'export', format: 'jsonl' };
const EMBED: JobSpec = { kind: 'embed-batch', texts: ['one', 'three'] };
const FULL = {
  code: 'overloaded',
  message:
    'The store for results of jobs is full. Raise MCP_JOB_RESULTS_BYTES, or wait until older results are erased (job_days).',
};

async function start(settings: Record<string, string> = SMALL): Promise<Engine> {
  const engine = await startEngine('over HTTP', settings);
  onTestFinished(() => engine.close());
  engine.script.conversations = 28;
  return engine;
}

async function done(engine: Engine, spec: JobSpec) {
  const { id } = await engine.api.create({ spec }, callOf());
  return ended(engine.api, id);
}

/** The SHA-256 of a result as it is read, which is to be the one that the job tells. */
async function readable(engine: Engine, id: string): Promise<void> {
  const { result } = await engine.api.get(id, callOf());
  const hash = createHash('sha256');
  for await (const piece of engine.api.result(id, callOf())) hash.update(piece);
  expect(hash.digest('hex')).toBe(JobFile.parse(result).sha256);
}

/** Bytes that the store holds. */
async function held(engine: Engine): Promise<number> {
  const bus = await connectBus(engine.nats.url, {
    service: 'test',
    replicas: 1,
    log: createLogger('test', 'silent'),
    signal: new AbortController().signal,
  });
  const { state } = await bus.manager.streams.info('OBJ_mcp_job_results');
  await bus.close();
  return state.bytes;
}

it('a result that has no room fails its job; earlier ones stay, and what has room is done', async () => {
  const engine = await start();
  const earlier = [await done(engine, EXPORT), await done(engine, EXPORT)];
  expect(earlier.map(({ status }) => status)).toEqual(['completed', 'completed']);
  const before = await held(engine);

  const full = await done(engine, EXPORT);
  expect(full).toMatchObject({ status: 'dead', attempt: 1, error: FULL });
  expect(full).not.toHaveProperty('result');
  await expect(engine.api.result(full.id, callOf())[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'not_found',
  });
  expect(await engine.api.list({ status: 'dead', limit: 10 }, callOf())).toMatchObject([{ id: full.id }]);
  // What came of it before there was no more room is not left behind.
  expect(await held(engine)).toBeLessThanOrEqual(before + 2000);

  expect(await done(engine, EMBED)).toMatchObject({
    status: 'completed',
    result: { content: '[[3,1],[5,1]]' },
  });
  for (const { id } of earlier) await readable(engine, id);
});

it('a job that failed so is done when it is sent again after the store was made larger, as its error says', async () => {
  const engine = await start();
  const first = await done(engine, EXPORT);
  await done(engine, EXPORT);
  const full = await done(engine, EXPORT);
  expect(full).toMatchObject({ status: 'dead', error: FULL });

  await engine.replace({ ...SMALL, MCP_JOB_RESULTS_BYTES: '10000000' });
  await engine.api.retry(full.id, callOf());
  expect(await ended(engine.api, full.id)).toMatchObject({
    status: 'completed',
    result: { conversations: 28 },
  });
  for (const { id } of [first, full]) await readable(engine, id);

  // Smaller again: nothing new has room, and nothing old is lost.
  await engine.replace(SMALL);
  expect(await done(engine, EXPORT)).toMatchObject({ status: 'dead', error: FULL });
  for (const { id } of [first, full]) await readable(engine, id);
});

it('a job that has attempts left waits with the reason, and the queue goes on meanwhile', async () => {
  const engine = await start({ ...SMALL, MCP_JOB_MAX_ATTEMPTS: '5' });
  await done(engine, EXPORT);
  await done(engine, EXPORT);
  const { id } = await engine.api.create({ spec: EXPORT }, callOf());
  await expect
    .poll(() => engine.api.get(id, callOf()))
    .toMatchObject({ status: 'retrying', attempt: 1, error: FULL });
  expect(await done(engine, EMBED)).toMatchObject({ status: 'completed' });
  expect(await engine.api.cancel(id, callOf())).toMatchObject({ status: 'cancelled' });
});
