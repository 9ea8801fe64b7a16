import { createHash } from 'node:crypto';
import { Job, JobFile } from '@mcp/contracts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { forget, type Platform, type Shared, shared, startPlatform } from './support.ts';

const Figures = z.object({
  replicas: z.number(),
  requests_per_s: z.number(),
  p50_ms: z.number().nullable(),
  tokens_out_total: z.number(),
  queues: z.array(z.object({ model: z.string(), running: z.number(), capacity: z.number() })),
});

/** All services in one process, and each in its own, on one event bus: what one of them did is known at the other. */
describe('two replicas of every service', () => {
  let place: Shared;
  let one: Platform;
  let two: Platform;
  beforeAll(async () => {
    place = await shared();
    one = await startPlatform('in one process', place);
    two = await startPlatform('apart', place, one.log);
    for (const { ask } of [one, two])
      await vi.waitFor(async () => expect((await ask('/v1/models')).status).toBe(200), 60_000);
  });
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
    await forget(place);
  });

  const figuresOf = async ({ ask }: Platform) => Figures.parse(await (await ask('/admin/stats')).json());
  const MESSAGES = [{ role: 'user', content: 'hello there' }];

  test('a trace is read at the one that did not serve it', async () => {
    const answer = await one.ask('/v1/chat/completions', { model: 'scripted/echo', messages: MESSAGES });
    expect(answer.status).toBe(200);
    const path = `/v1/traces/${answer.headers.get('x-trace-id')}`;
    const Spans = z.object({ spans: z.array(z.object({ name: z.string() })).default([]) });
    const names = async () => Spans.parse(await (await two.ask(path)).json()).spans.map(({ name }) => name);
    await expect.poll(names).toContain('model.inference');
  });

  test('live figures are of both, whichever is asked', async () => {
    for (const { ask } of [one, two])
      for (let at = 0; at < 5; at++)
        await ask('/v1/chat/completions', { model: 'scripted/echo', messages: MESSAGES });
    await expect.poll(async () => (await figuresOf(one)).replicas).toBe(2);
    await expect
      .poll(async () => {
        const [a, b] = [await figuresOf(one), await figuresOf(two)];
        return { same: a.requests_per_s === b.requests_per_s, least: a.requests_per_s >= 10 / 60 };
      })
      .toEqual({ same: true, least: true });
    expect((await figuresOf(two)).p50_ms).toBeGreaterThan(0);
  });

  test('queues are those of both: what one works on is seen at the other', async () => {
    const long = new AbortController();
    const slow = fetch(`${one.url}/v1/chat/completions`, {
      method: 'POST',
      signal: long.signal,
      headers: { authorization: `Bearer ${place.admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'scripted/slow', messages: MESSAGES, stream: true }),
    }).then((answer) => answer.text());
    slow.catch(() => undefined);
    const running = async () => {
      const { queues } = await figuresOf(two);
      return queues.find(({ model }) => model === 'scripted/slow')?.running;
    };
    await expect.poll(running).toBe(1);
    long.abort();
    await expect.poll(running).toBe(0);
  });

  test('a large result of a job is fetched at either, by its owner only', async () => {
    const texts = Array.from({ length: 1500 }, (_, at) => `text number ${at}`);
    const made = await one.ask('/v1/jobs', { spec: { kind: 'embed-batch', texts, model: 'scripted/embed' } });
    const { id } = Job.parse(await made.json());
    const job = async ({ ask }: Platform) => Job.parse(await (await ask(`/v1/jobs/${id}`)).json());
    await expect.poll(async () => (await job(two)).status).toBe('completed');
    const file = JobFile.parse((await job(two)).result);
    for (const { ask } of [one, two]) {
      const answer = await ask(file.href);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('content-length')).toBe(String(file.size_bytes));
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
      expect(z.array(z.array(z.number())).parse(JSON.parse(bytes.toString()))).toHaveLength(1500);
    }
    const made_key = await one.ask('/admin/keys', { name: 'other', scopes: ['jobs'] });
    const { key } = z.object({ key: z.string() }).parse(await made_key.json());
    const foreign = { authorization: `Bearer ${key}` };
    await expect.poll(async () => (await two.ask('/v1/jobs', undefined, foreign)).status).toBe(200);
    expect((await two.ask(file.href, undefined, foreign)).status).toBe(404);
    expect((await fetch(`${two.url}${file.href}`)).status).toBe(401);
  });

  const CHAT = {
    modelA: 'scripted/slow',
    modelB: 'scripted/echo',
    exchanges: 2,
    message: 'Talk.',
    max_tokens_per_turn: 30,
  };
  const dataOf = (text: string): unknown[] =>
    [...text.matchAll(/^data: (.*)$/gm)].map(([, data = 'null']) => JSON.parse(data));
  const idsOf = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

  /** One that is not over before it is cancelled. */
  const ENDLESS = { ...CHAT, max_tokens_per_turn: 2000 };

  /** Begins a conversation at the first one and breaks the connection after some words: all that was read. */
  async function breakOff(talk: object = CHAT): Promise<string> {
    const left = new AbortController();
    const answer = await fetch(`${one.url}/chat`, {
      method: 'POST',
      signal: left.signal,
      headers: { authorization: `Bearer ${place.admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...talk, stream: true, on_disconnect: 'continue' }),
    });
    let read = '';
    for await (const piece of answer.body ?? []) {
      read += Buffer.from(piece).toString();
      if ((read.match(/event: delta/g) ?? []).length >= 3) break;
    }
    left.abort();
    return read.slice(0, read.lastIndexOf('\n\n') + 2);
  }

  test('a conversation goes on without its connection, and is gone on with at the other by Last-Event-ID', async () => {
    const before = await breakOff();
    const id = /"conversation_id":"([^"]+)"/.exec(before)?.[1] ?? '';
    const last = idsOf(before).at(-1) ?? 0;
    const path = `/v1/conversations/${id}/events`;
    const answer = await two.ask(path, undefined, { 'last-event-id': String(last) });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const after = await answer.text();
    expect(idsOf(after)).toEqual(idsOf(after).map((_, at) => last + 1 + at));
    expect(after).toMatch(/event: done\n/);
    expect(after).toContain('"status":"completed"');
    const seen = await two.ask(path, undefined, { 'last-event-id': String(idsOf(after).at(-1)) });
    expect(seen.status).toBe(204);
    const whole = await (await one.ask(path)).text();
    expect(dataOf(whole)).toEqual(dataOf(before + after));
    expect((await one.ask(path, undefined, { 'last-event-id': 'x' })).status).toBe(400);
    expect((await one.ask(`/v1/conversations/${id}/cancel`, {})).status).toBe(409);
  });

  test('is cancelled at the other, too, and on a socket by its frame', async () => {
    const id = /"conversation_id":"([^"]+)"/.exec(await breakOff(ENDLESS))?.[1] ?? '';
    const cancelled = await two.ask(`/v1/conversations/${id}/cancel`, {});
    expect(await cancelled.json()).toMatchObject({ id, status: 'cancelled' });
    const socket = new WebSocket(`${two.url.replace('http', 'ws')}/ws`, ['mcp', `mcp-key.${place.admin}`]);
    const done = new Promise<unknown>((resolve) => {
      socket.on('message', (data) => {
        const event = JSON.parse(String(data));
        if (event.type === 'delta') socket.send('{"type":"cancel"}');
        if (event.type === 'done' || event.type === 'error') resolve(event);
      });
    });
    await new Promise((open) => socket.on('open', open));
    socket.send(JSON.stringify({ type: 'start', request: { ...ENDLESS, on_disconnect: 'continue' } }));
    expect(await done).toMatchObject({ type: 'done', response: { status: 'cancelled' } });
    socket.close();
  });
});
