import { type JobSpec, type Principal, SubjectJobs } from '@mcp/contracts';
import { connectBus, createLogger } from '@mcp/service-kit';
import { failure } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ALICE, BOB, callOf, type Engine, ended, startEngine } from './support.ts';

const ADMIN: Principal = { id: 'governance', kind: 'service', name: 'governance', scopes: ['admin'] };
const admin = () => callOf(ADMIN);
const CONVERSATION = '0194f0c2-0000-7000-8000-000000000001';
const SAID = 'what Alice alone has said';
const DAY_MS = 24 * 3600 * 1000;

/** Everything that the event bus has, as text. */
async function onBus({ nats }: Engine): Promise<string> {
  const bus = await connectBus(nats.url, {
    service: 'test',
    replicas: 1,
    log: createLogger('test', 'silent'),
    signal: new AbortController().signal,
  });
  let text = '';
  for (const stream of ['KV_mcp_jobs', 'OBJ_mcp_job_results', 'MCP_JOBS', 'MCP_JOBS_DEAD']) {
    const { first_seq, last_seq } = (await bus.manager.streams.info(stream)).state;
    for (let seq = first_seq; seq <= last_seq; seq++) {
      const message = await bus.manager.streams.getMessage(stream, { seq }).catch(() => undefined);
      if (message) text += `${message.subject} ${Buffer.from(message.data).toString()}\n`;
    }
  }
  await bus.close();
  return text;
}

/** All pages of a list of jobs. */
async function allOf<T>(
  page: (after: number) => Promise<{ readonly jobs: T[]; readonly next: number | null }>,
) {
  const all: T[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const { jobs, next } = await page(after);
    all.push(...jobs);
    after = next;
  }
  return all;
}

describe('how long jobs are kept', () => {
  let engine: Engine;
  const make = async (spec: JobSpec, principal = ALICE) =>
    (await engine.api.create({ spec }, callOf(principal))).id;
  const done = async (spec: JobSpec, principal = ALICE) => {
    const id = await make(spec, principal);
    await ended(engine.api, id, principal);
    return id;
  };
  beforeAll(async () => {
    engine = await startEngine('in process');
  });
  afterAll(() => engine.close());

  it('lists what has ended with what it names, page by page, and erases and keeps what it is told to', async () => {
    // Where there has never been a job.
    expect(await engine.api.eraseOf(ALICE.id, callOf())).toEqual({ jobs: 0, complete: true });
    const summary = await done({ kind: 'summarize-conversation', conversation_id: CONVERSATION });
    const many = await Promise.all(
      Array.from({ length: 22 }, (_, i) => done({ kind: 'embed-batch', texts: [`${SAID} ${i}`] })),
    );
    const all = await allOf((after) => engine.api.ended({ after }, admin()));
    expect(all.map(({ id }) => id).sort()).toEqual([summary, ...many].sort());
    expect(all.find(({ id }) => id === summary)).toMatchObject({
      owner: ALICE.id,
      conversation_ids: [CONVERSATION],
    });
    for (const refused of [
      engine.api.ended({ after: 0 }, callOf()),
      engine.api.settle({ erase: many, keep: [] }, callOf()),
    ])
      expect(await failure(refused)).toMatchObject({ code: 'forbidden' });

    const [first = '', ...rest] = many;
    expect(await engine.api.settle({ erase: [first], keep: rest }, admin())).toEqual({
      erased: 1,
      renewed: 0,
    });
    expect(await failure(engine.api.get(first, callOf()))).toMatchObject({ code: 'not_found' });
    // As if two weeks and a day had passed: half of the time that the event bus keeps anything.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 16 * DAY_MS });
    const kept = [summary, ...rest.slice(0, 2)];
    expect(await engine.api.settle({ erase: [], keep: kept }, admin())).toEqual({ erased: 0, renewed: 3 });
    vi.useRealTimers();
    const order = (await allOf((after) => engine.api.ended({ after }, admin()))).map(({ id }) => id);
    expect(order.slice(-3)).toEqual(kept);
    expect(await engine.api.get(rest[0] ?? '', callOf())).toMatchObject({ status: 'completed' });
    const chunks: Uint8Array[] = [];
    for await (const chunk of engine.api.result(rest[0] ?? '', callOf())) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(`[[${`${SAID} 1`.length},1]]`);
  });

  it('are given to their owner, and nothing of them is left when they are erased, not of those at work either', async () => {
    const theirs = await done({ kind: 'embed-batch', texts: ['of Bob'] }, BOB);
    await done({ kind: 'summarize-conversation', conversation_id: '0194f0c2-0000-7000-8000-00000000dead' });
    const begun = Promise.withResolvers<void>();
    engine.script.onEmbed = async (texts, signal) => {
      if (texts[0] !== `${SAID} 32`) return;
      begun.resolve();
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    };
    const working = await make({
      kind: 'embed-batch',
      texts: Array.from({ length: 64 }, (_, i) => `${SAID} ${i}`),
    });
    await begun.promise;
    const given = await allOf((after) => engine.api.exportOf(ALICE.id, { after }, callOf()));
    expect(SubjectJobs.shape.jobs.parse(given)).toEqual(given);
    expect(given.every(({ job }) => job.owner === ALICE.id)).toBe(true);
    expect(given.find(({ job }) => job.id === working)?.spec).toMatchObject({ kind: 'embed-batch' });
    expect(await onBus(engine)).toContain(SAID);
    const bob = callOf(BOB);
    for (const refused of [
      engine.api.exportOf(ALICE.id, { after: 0 }, bob),
      engine.api.eraseOf(ALICE.id, bob),
    ])
      expect(await failure(refused)).toMatchObject({ code: 'forbidden' });

    expect(await engine.api.eraseOf(ALICE.id, callOf())).toEqual({ jobs: given.length, complete: true });
    expect(await engine.api.eraseOf(ALICE.id, callOf())).toEqual({ jobs: 0, complete: true });
    await expect.poll(() => engine.api.list({ limit: 100 }, callOf())).toEqual([]);
    for (const { job } of given) {
      expect(await failure(engine.api.get(job.id, callOf()))).toMatchObject({ code: 'not_found' });
      await expect(engine.api.result(job.id, callOf())[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        code: 'not_found',
      });
    }
    // The attempt that was cut off ends by itself; nothing that it would still write is kept.
    await expect.poll(() => onBus(engine), { timeout: 20_000 }).not.toMatch(/Alice|key:alice/);
    // Of results, that of Bob alone.
    expect((await onBus(engine)).match(/^\$O\.mcp_job_results\.C\./gm)).toHaveLength(1);
    expect(await engine.api.get(theirs, bob)).toMatchObject({ status: 'completed' });
    engine.script.onEmbed = () => Promise.resolve();
  });
});
