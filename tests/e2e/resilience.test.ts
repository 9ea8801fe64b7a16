import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChainVerdict, type ChatEvent, Conversation, Job } from '@mcp/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Platform, startPlatform } from './support.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ MCP_JOB_ACK_WAIT_MS: '1000' });
});
afterAll(() => platform.stop());

const QUESTION = {
  modelA: 'scripted/slow',
  modelB: 'scripted/beta',
  exchanges: 3,
  message: 'What survives?',
};

/** Reads a conversation, kills a service after its first whole turn, and reads on to the end or the break. */
async function interrupted(service: Parameters<Platform['killer']>[0]): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  const kill = await platform.killer(service);
  let killed = false;
  try {
    for await (const event of platform.chat(QUESTION)) {
      events.push(event);
      if (event.type !== 'message.end' || killed) continue;
      killed = true;
      kill();
    }
  } catch (error) {
    // The gateway's own death breaks the connection; nothing else may.
    if (service !== 'gateway') throw error;
  }
  return events;
}

/** Goes on with a conversation until it is done, as the error event tells a client to. */
async function resumed(id: string): Promise<ChatEvent[]> {
  await platform.ready();
  const events: ChatEvent[] = [];
  for await (const event of platform.chat({ conversation_id: id })) events.push(event);
  return events;
}

function startOf(events: readonly ChatEvent[]): string {
  const [first] = events;
  if (first?.type !== 'start') throw new Error(`the stream began with ${first?.type}`);
  return first.conversation_id;
}

describe.each(['core', 'model-gateway', 'gateway', 'task-engine', 'governance', 'nats'] as const)(
  'kill -9 of %s in the middle of a conversation',
  (service) => {
    it('loses no finished turn, says what happened, and the conversation is finished', async () => {
      const before = await interrupted(service);
      const id = startOf(before);
      const finished = before.flatMap((event) => (event.type === 'message.end' ? [event.content] : []));
      expect(finished.length).toBeGreaterThan(0);
      const last = before.at(-1);
      if (service === 'gateway') expect(last?.type).not.toBe('done');
      else if (last?.type !== 'done')
        expect(last).toMatchObject({ type: 'error', retryable: true, conversation_id: id });
      const done = last?.type === 'done' ? last : (await resumed(id)).at(-1);
      expect(done).toMatchObject({ type: 'done', response: { status: 'completed', id } });
      await platform.ready();
      const conversation = Conversation.parse(await platform.json(`/v1/conversations/${id}`));
      const said = conversation.messages.map(({ content }) => content);
      expect(said).toEqual(expect.arrayContaining(finished));
      // The head of the log is kept on the event bus: after its death, seconds later.
      await expect
        .poll(async () => ChainVerdict.parse(await platform.json(`/v1/conversations/${id}/verify`, {})))
        .toMatchObject({ status: 'ok' });
    });
  },
);

describe.each(['task-engine', 'model-gateway', 'core', 'nats'] as const)(
  'kill -9 of %s in the middle of jobs',
  (service) => {
    it('loses no acknowledged job', async () => {
      const events: ChatEvent[] = [];
      for await (const event of platform.chat({ ...QUESTION, modelA: 'scripted/alpha', exchanges: 1 }))
        events.push(event);
      const spec = {
        kind: 'summarize-conversation',
        conversation_id: startOf(events),
        model: 'scripted/slow',
      };
      const jobs = await Promise.all(
        Array.from({ length: 6 }, async () => Job.parse(await platform.json('/v1/jobs', { spec }))),
      );
      await sleep(500);
      (await platform.killer(service))();
      await platform.ready();
      for (const { id } of jobs) {
        let job = Job.parse(await platform.json(`/v1/jobs/${id}`));
        for (
          let tries = 0;
          tries < 300 && !['completed', 'dead', 'cancelled'].includes(job.status);
          tries++
        ) {
          await sleep(100);
          job = Job.parse(await platform.json(`/v1/jobs/${id}`));
        }
        expect(job).toMatchObject({
          status: 'completed',
          result: { summary: expect.stringContaining('word') },
        });
      }
    });
  },
);

const Committed = z.object({ head: z.string(), mac: z.string(), messages: z.array(z.unknown()) });

it('an earlier state that is put back, signed file and rows alike, does not verify, by API and by command', async () => {
  const events: ChatEvent[] = [];
  const ask = { modelA: 'scripted/alpha', modelB: 'scripted/beta', exchanges: 1, message: 'First.' };
  for await (const event of platform.chat(ask)) events.push(event);
  const id = startOf(events);
  const path = join(platform.data, 'logs', 'conversations', `${id}.json`);
  const earlier = readFileSync(path, 'utf8');
  // Its records are encrypted.
  const log = Committed.parse(JSON.parse(earlier));
  const more = { conversation_id: id, message: 'Never happened.', exchanges: 1 };
  for await (const event of platform.chat(more)) events.push(event);
  // The tests before have killed the event bus: it may be a moment until its heads are written again.
  await expect.poll(() => platform.mcp('verify', id).catch(() => 'not yet')).toContain('✓');

  writeFileSync(path, earlier);
  const count = log.messages.length;
  const db = new DatabaseSync(join(platform.data, 'core', 'core.db'));
  db.exec(`delete from records where conversation_id = '${id}' and seq >= ${count};
    update conversations set records = ${count}, head = '${log.head}', mac = '${log.mac}' where id = '${id}'`);
  db.close();
  expect(ChainVerdict.parse(await platform.json(`/v1/conversations/${id}/verify`, {}))).toMatchObject({
    status: 'broken',
    broken_at: count,
    reason: expect.stringContaining(`Records ${count} to ${count + 2} are missing`),
  });
  await expect(platform.mcp('verify', id)).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('are missing: the event bus keeps the head'),
  });
});
