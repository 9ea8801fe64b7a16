import { failure } from '@mcp/testkit';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Core, callOf, chat, cleanUp, idOf, startCore, startReplica, tamper, the } from './harness.ts';
import { ScriptedModels } from './scripted-models.ts';

afterEach(cleanUp);

const slow = { pieces: Array.from({ length: 6000 }, (_, i) => `w${i} `), pause_ms: 10 };
/** As if the run had given no sign of life for longer than its lease. */
const EXPIRE = "update conversations set lease_until = '2020-01-01T00:00:00.000Z' where status = 'running'";

/** A conversation whose first model talks until it is stopped; its events come at the end. */
async function talking(core: Core) {
  core.models.script = (_, n) => (n === 0 ? slow : { pieces: [`and ${n}.`] });
  const controller = new AbortController();
  let started: (id: string) => void = () => undefined;
  const id = new Promise<string>((done) => {
    started = done;
  });
  const events = chat(
    core,
    { message: 'Talk.', exchanges: 1 },
    {
      call: callOf({ signal: controller.signal }),
      seen: (event) => void (event.type === 'start' && started(event.conversation_id)),
    },
  );
  return { id: await id, events, stop: () => controller.abort() };
}

describe('the lease of a run', () => {
  it('keeps others from a conversation while the run lives, and says when to come again', async () => {
    const core = await startCore();
    const { id, events, stop } = await talking(core);
    const other = await startReplica(core);
    const refused = await failure(other.api.chat({ conversation_id: id, message: 'Me?' }, callOf()));
    expect(refused).toMatchObject({ code: 'conflict', status: 409 });
    expect(refused.retry_after_ms).toBeGreaterThan(0);
    stop();
    expect(the(await events, 'done').response.status).toBe('cancelled');
    expect(await other.api.verifyConversation(id, callOf())).toMatchObject({ ok: true, records: 4 });
  });

  it('is renewed for as long as the run lives, though it records nothing', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const core = await startCore();
    const { id, events, stop } = await talking(core);
    await tamper(core, EXPIRE);
    vi.advanceTimersByTime(5000);
    const other = await startReplica(core);
    await expect
      .poll(() => failure(other.api.chat({ conversation_id: id, message: 'Me?' }, callOf())))
      .toMatchObject({ code: 'conflict', message: expect.stringContaining('running just now') });
    stop();
    await events;
  });

  it('that has ended is taken over by any replica, and the run that lost it writes nothing more', async () => {
    const core = await startCore();
    const { id, events, stop } = await talking(core);
    await tamper(core, EXPIRE);
    // Its first sweep ends the run that looks dead; a new one goes on.
    const models = new ScriptedModels();
    models.script = () => ({ pieces: ['from the other replica.'] });
    const other = await startReplica(core, { models });
    expect(await other.api.getConversation(id, callOf())).toMatchObject({ status: 'interrupted' });
    const done = the(await chat(other, { conversation_id: id }), 'done').response;
    expect(done).toMatchObject({ status: 'completed', answer: 'from the other replica.' });
    stop();
    expect(the(await events, 'error')).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('taken over'),
    });
    for (const replica of [core, other]) {
      const log = await replica.api.exportLog(id, callOf());
      expect(log.messages.map(({ role }) => role)).toEqual([
        'system',
        'system',
        'user',
        'modelA',
        'decision',
      ]);
      expect(await replica.api.verifyConversation(id, callOf())).toMatchObject({ ok: true, records: 5 });
      expect(await replica.api.getConversation(id, callOf())).toMatchObject({
        status: 'completed',
        turns: 1,
      });
    }
  });

  it('of a dead process is free at once where no other has the store', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    // What a kill -9 leaves: it runs, and its lease has long to go.
    await tamper(
      core,
      `update conversations set status = 'running', exchanges = 2, unsealed = 1, lease_token = 'dead', lease_until = '2999-01-01T00:00:00.000Z' where id = '${id}'`,
    );
    await core.stop();
    const again = await startCore({ dir: core.dir });
    const resumed = chat(again, { conversation_id: id });
    if (core.sqlite) expect(the(await resumed, 'done').response.status).toBe('completed');
    else await expect(resumed).rejects.toMatchObject({ code: 'conflict' });
  });
});
