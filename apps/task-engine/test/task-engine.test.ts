import { type JobSpec, PlatformError } from '@mcp/contracts';
import { startNats } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, BOB, callOf, type Engine, ended, startEngine } from './support.ts';

const embed = (...texts: string[]): JobSpec => ({ kind: 'embed-batch', texts });

describe.each(['in process', 'over HTTP'] as const)('the task-engine, %s', (form) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine(form);
  });
  afterAll(() => engine.close());

  it('does a job and tells of its progress', async () => {
    const job = await engine.api.create({ spec: embed('one', 'three') }, callOf());
    expect(job).toMatchObject({ status: 'queued', owner: ALICE.id, attempt: 0 });
    const seen: string[] = [];
    for await (const change of engine.api.watch(job.id, callOf())) seen.push(change.status);
    expect(seen.at(-1)).toBe('completed');
    expect(await engine.api.get(job.id, callOf())).toMatchObject({
      status: 'completed',
      attempt: 1,
      progress: { done: 2, total: 2 },
      result: { model: 'embed', count: 2, dimensions: 2, content: '[[3,1],[5,1]]' },
    });
  });

  it('summarises what is longer than the model reads, part by part, and exports', async () => {
    const conversation_id = '0194f0c2-0000-7000-8000-000000000001';
    const summary = await engine.api.create(
      { spec: { kind: 'summarize-conversation', conversation_id } },
      callOf(),
    );
    expect(await ended(engine.api, summary.id)).toMatchObject({
      status: 'completed',
      result: { summary: expect.stringMatching(/^summary of \d+/), parts: expect.any(Number) },
    });
    const copy = await engine.api.create({ spec: { kind: 'export', format: 'jsonl' } }, callOf());
    expect(await ended(engine.api, copy.id)).toMatchObject({
      status: 'completed',
      result: {
        conversations: 1,
        content: expect.stringContaining(conversation_id),
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
  });

  it('tries again after a passing failure', async () => {
    let calls = 0;
    engine.script.onEmbed = () =>
      ++calls === 1
        ? Promise.reject(new PlatformError('upstream_failed', 'not now', { retry_after_ms: 10 }))
        : Promise.resolve();
    const job = await engine.api.create({ spec: embed('again') }, callOf());
    expect(await ended(engine.api, job.id)).toMatchObject({ status: 'completed', attempt: 2 });
    engine.script.onEmbed = () => Promise.resolve();
  });

  it('buries a job that cannot succeed, at once, or after its last attempt', async () => {
    const poison = await engine.api.create(
      { spec: { kind: 'summarize-conversation', conversation_id: '0194f0c2-0000-7000-8000-00000000dead' } },
      callOf(),
    );
    expect(await ended(engine.api, poison.id)).toMatchObject({
      status: 'dead',
      attempt: 1,
      error: { code: 'not_found', message: 'no such conversation' },
    });
    engine.script.onEmbed = () =>
      Promise.reject(new PlatformError('unavailable', 'never', { retry_after_ms: 5 }));
    const hopeless = await engine.api.create({ spec: embed('x') }, callOf());
    expect(await ended(engine.api, hopeless.id)).toMatchObject({
      status: 'dead',
      attempt: 3,
      error: { code: 'unavailable' },
    });
    engine.script.onEmbed = () => Promise.resolve();
    const dead = await engine.api.list({ status: 'dead', limit: 10 }, callOf());
    expect(dead.map(({ id }) => id)).toEqual(expect.arrayContaining([poison.id, hopeless.id]));
  });

  it('cancels a job at work and one that waits; a cancelled job stays so', async () => {
    let aborted = false;
    let begun: (() => void) | undefined;
    const at_work = new Promise<void>((resolve) => {
      begun = resolve;
    });
    engine.script.onEmbed = (_texts, signal) =>
      new Promise((_, reject) => {
        begun?.();
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(new PlatformError('cancelled', 'stopped'));
        });
      });
    const blocking = await Promise.all(
      Array.from({ length: 5 }, () => engine.api.create({ spec: embed('wait') }, callOf())),
    );
    await at_work;
    for (const { id } of blocking)
      expect(await engine.api.cancel(id, callOf())).toMatchObject({ status: 'cancelled' });
    for (const { id } of blocking) expect(await ended(engine.api, id)).toMatchObject({ status: 'cancelled' });
    await expect.poll(() => aborted).toBe(true);
    engine.script.onEmbed = () => Promise.resolve();
    const done = await engine.api.create({ spec: embed('x') }, callOf());
    await ended(engine.api, done.id);
    await expect(engine.api.cancel(done.id, callOf())).rejects.toMatchObject({ code: 'conflict' });
  });

  it('makes one job of many requests with the same key, and no other job of it', async () => {
    const jobs = await Promise.all(
      Array.from({ length: 20 }, () =>
        engine.api.create({ spec: embed('once'), idempotency_key: `${form}-1` }, callOf()),
      ),
    );
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    await expect(
      engine.api.create({ spec: embed('other'), idempotency_key: `${form}-1` }, callOf()),
    ).rejects.toMatchObject({ code: 'conflict' });
    const bobs = await engine.api.create({ spec: embed('once'), idempotency_key: `${form}-1` }, callOf(BOB));
    expect(bobs.id).not.toBe(jobs[0]?.id);
  });

  it('shows a job to its owner and to administrators only', async () => {
    const { id } = await engine.api.create({ spec: embed('mine') }, callOf());
    await expect(engine.api.get(id, callOf(BOB))).rejects.toMatchObject({ code: 'not_found' });
    await expect(engine.api.cancel(id, callOf(BOB))).rejects.toMatchObject({ code: 'not_found' });
    expect((await engine.api.list({ limit: 200 }, callOf(BOB))).map((job) => job.id)).not.toContain(id);
    expect(await engine.api.get(id, callOf({ ...BOB, scopes: ['admin'] }))).toMatchObject({ id });
  });

  it('loses no acknowledged job when the event bus dies and comes back', async () => {
    const jobs = await Promise.all(
      Array.from({ length: 40 }, (_, i) => engine.api.create({ spec: embed(`job ${i}`) }, callOf())),
    );
    await engine.nats.stop();
    await expect(engine.api.create({ spec: embed('while it is away') }, callOf())).rejects.toBeInstanceOf(
      Error,
    );
    const back = await startNats({ port: engine.nats.port, store_dir: engine.nats.store_dir });
    try {
      for (const { id } of jobs)
        await expect
          .poll(async () => (await engine.api.get(id, callOf()).catch(() => undefined))?.status, {
            timeout: 20_000,
          })
          .toBe('completed');
    } finally {
      await back.stop();
    }
  }, 40_000);
});
