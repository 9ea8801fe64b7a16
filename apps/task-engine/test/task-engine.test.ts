import { createHash } from 'node:crypto';
import { Conversation, JobFile, type JobSpec, PlatformError } from '@mcp/contracts';
import { connectBus, createLogger } from '@mcp/service-kit';
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

  it('sends a dead job again when it is asked to, and only then', async () => {
    engine.script.onEmbed = () => Promise.reject(new PlatformError('invalid_request', 'a broken model'));
    const { id } = await engine.api.create({ spec: embed('mend me') }, callOf());
    expect(await ended(engine.api, id)).toMatchObject({ status: 'dead' });
    engine.script.onEmbed = () => Promise.resolve();
    await expect(engine.api.retry(id, callOf(BOB))).rejects.toMatchObject({ code: 'not_found' });
    expect(await engine.api.retry(id, callOf())).toMatchObject({ status: 'queued', attempt: 0 });
    const job = await ended(engine.api, id);
    expect(job).toMatchObject({ status: 'completed', attempt: 1 });
    expect(job.error).toBeUndefined();
    await expect(engine.api.retry(id, callOf())).rejects.toMatchObject({ code: 'conflict' });
  });

  it('exports every conversation there is, and hands the large result out whole', async () => {
    engine.script.conversations = 450;
    const { id } = await engine.api.create({ spec: { kind: 'export', format: 'jsonl' } }, callOf());
    const { result, progress } = await ended(engine.api, id);
    expect(progress).toMatchObject({ done: 450, total: 450 });
    expect(result).toMatchObject({ conversations: 450, href: `/v1/jobs/${id}/result` });
    expect(result).not.toHaveProperty('content');
    const file = JobFile.parse(result);
    const pieces: Uint8Array[] = [];
    for await (const piece of engine.api.result(id, callOf())) pieces.push(piece);
    const whole = Buffer.concat(pieces);
    expect(whole.byteLength).toBe(file.size_bytes);
    expect(createHash('sha256').update(whole).digest('hex')).toBe(file.sha256);
    const ids = whole
      .toString()
      .trim()
      .split('\n')
      .map((line) => Conversation.parse(JSON.parse(line)).id);
    expect(new Set(ids).size).toBe(450);
    const bobs = engine.api.result(id, callOf(BOB))[Symbol.asyncIterator]();
    await expect(bobs.next()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('hands a job over when it stops: no attempt is counted, and finished parts are not done again', async () => {
    const asked: string[] = [];
    const second = Promise.withResolvers<void>();
    engine.script.onEmbed = (texts, signal) => {
      asked.push(texts[0] ?? '');
      if (asked.length < 2) return Promise.resolve();
      second.resolve();
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new PlatformError('cancelled', 'stopped')));
      });
    };
    const texts = Array.from({ length: 64 }, (_, at) => `text ${at}`);
    const { id } = await engine.api.create({ spec: embed(...texts) }, callOf());
    await second.promise;
    engine.script.onEmbed = (chunk) => {
      asked.push(chunk[0] ?? '');
      return Promise.resolve();
    };
    await engine.replace();
    expect(await ended(engine.api, id)).toMatchObject({
      status: 'completed',
      attempt: 1,
      result: { count: 64 },
    });
    expect(asked).toEqual(['text 0', 'text 32', 'text 32']);
    engine.script.onEmbed = () => Promise.resolve();
  }, 120_000);

  it('queues again what is in no queue, and drops a message that has no job', async () => {
    const gate = Promise.withResolvers<void>();
    engine.script.onEmbed = () => gate.promise;
    const jobs = await Promise.all(
      Array.from({ length: 8 }, () => engine.api.create({ spec: embed('lost') }, callOf())),
    );
    const bus = await connectBus(engine.nats.url, {
      service: 'test',
      replicas: 1,
      log: createLogger('test', 'silent'),
      signal: new AbortController().signal,
    });
    await bus.manager.streams.purge('MCP_JOBS');
    await bus.jetstream.publish('mcp.jobs.export.x', 'no job at all');
    gate.resolve();
    for (const { id } of jobs) expect(await ended(engine.api, id)).toMatchObject({ status: 'completed' });
    await expect
      .poll(async () => (await bus.manager.streams.info('MCP_JOBS')).state.messages, { timeout: 60_000 })
      .toBe(0);
    await bus.close();
    engine.script.onEmbed = () => Promise.resolve();
  }, 120_000);

  it('loses no acknowledged job when the event bus dies and comes back', async () => {
    const jobs = await Promise.all(
      Array.from({ length: 40 }, (_, i) => engine.api.create({ spec: embed(`job ${i}`) }, callOf())),
    );
    await engine.nats.stop();
    const refused = engine.api.create(
      { spec: embed('while it is away'), idempotency_key: `${form}-away` },
      callOf(),
    );
    await expect(refused).rejects.toBeInstanceOf(Error);
    const back = await startNats({ port: engine.nats.port, store_dir: engine.nats.store_dir });
    try {
      for (const { id } of jobs)
        await expect
          .poll(async () => (await engine.api.get(id, callOf()).catch(() => undefined))?.status, {
            timeout: 60_000,
          })
          .toBe('completed');
      const known = await engine.api.list({ limit: 200 }, callOf());
      expect(known.filter(({ status }) => status === 'queued')).toEqual([]);
      const again = await engine.api.create(
        { spec: embed('while it is away'), idempotency_key: `${form}-away` },
        callOf(),
      );
      expect(await ended(engine.api, again.id)).toMatchObject({ status: 'completed' });
    } finally {
      await back.stop();
    }
  }, 120_000);
});
