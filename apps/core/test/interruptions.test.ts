import { PlatformError } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { callOf, chat, cleanUp, idOf, only, startCore, the } from './harness.ts';

afterEach(cleanUp);

/** A model that would talk for a minute. */
const endless = { pieces: Array.from({ length: 6000 }, (_, i) => `w${i} `), pause_ms: 10 };
const broken = new PlatformError('upstream_interrupted', 'The model fell over.');

describe('cancel', () => {
  it('stops the model, records the part, and lets the conversation go on later', async () => {
    const core = await startCore();
    core.models.script = (_, n) => (n === 1 ? endless : { pieces: [`answer ${n}.`] });
    const controller = new AbortController();
    const events = await chat(
      core,
      { message: 'Talk.', exchanges: 4 },
      {
        call: callOf({ signal: controller.signal }),
        seen(event) {
          if (event.type === 'delta' && event.turn === 1 && event.text === 'w2 ')
            controller.abort(new PlatformError('cancelled', 'Cancelled by the client.'));
        },
      },
    );
    const id = idOf(events);
    expect(core.models.stopped).toBe(1);
    expect(only(events, 'message.end').at(-1)).toMatchObject({
      turn: 1,
      content: expect.stringMatching(/^w0 w1 w2 /),
      finish_reason: { unified: 'cancelled' },
    });
    expect(the(events, 'done').response).toMatchObject({
      status: 'cancelled',
      answer: 'answer 0.',
      decision: null,
    });
    const stored = await core.api.getConversation(id, callOf());
    expect(stored).toMatchObject({ status: 'cancelled', turns: 2 });
    expect(stored.messages.at(-1)).toMatchObject({
      role: 'modelB',
      content: expect.stringMatching(/^w0 w1 w2 /),
      finish_reason: { unified: 'cancelled' },
    });
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ ok: true, records: 5 });

    core.models.script = (_, n) => ({ pieces: [`resumed ${n}.`] });
    const rest = await chat(core, { conversation_id: id });
    expect(only(rest, 'message.start').map(({ turn, role }) => [turn, role])).toEqual([
      [1, 'modelB'],
      [2, 'modelA'],
      [3, 'modelB'],
    ]);
    expect(the(rest, 'done').response).toMatchObject({ status: 'completed', messages: { length: 4 } });
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ ok: true, records: 9 });
  });

  it('is what happens when the reader leaves', async () => {
    const core = await startCore();
    core.models.script = () => endless;
    let id = '';
    for await (const event of core.api.chat({ message: 'Talk.' }, callOf())) {
      if (event.type === 'start') id = event.conversation_id;
      if (event.type === 'delta') break;
    }
    expect(core.models.stopped).toBe(1);
    expect(await core.api.getConversation(id, callOf())).toMatchObject({ status: 'cancelled', turns: 1 });
  });

  it('before the first token or during the arbitration leaves no half decision', async () => {
    const core = await startCore();
    for (const at of ['start', 'embed'] as const) {
      const controller = new AbortController();
      core.models.vector = () => {
        controller.abort();
        return [1, 0, 0, 0];
      };
      const events = await chat(
        core,
        { message: 'Talk.' },
        {
          call: callOf({ signal: controller.signal }),
          seen: ({ type }) => void (type === at && controller.abort()),
        },
      );
      expect(the(events, 'done').response).toMatchObject({ status: 'cancelled', decision: null });
      expect(await core.api.verifyConversation(idOf(events), callOf())).toMatchObject({ ok: true });
    }
  });
});

describe('a failing model', () => {
  it('is asked again, in a new attempt of the same turn that replaces the first', async () => {
    const core = await startCore();
    core.models.script = (_, n) =>
      n === 0 ? { pieces: ['half an ans'], failure: broken } : { pieces: ['whole.'] };
    const events = await chat(core, { message: 'Hi', exchanges: 1 });
    expect(only(events, 'message.start').map(({ turn, attempt }) => [turn, attempt])).toEqual([
      [0, 1],
      [0, 2],
    ]);
    const { response } = the(events, 'done');
    expect(response.messages.map(({ content }) => content)).toEqual(['whole.']);
    expect(response.messages[0]?.message_id).toBe(only(events, 'message.start')[1]?.message_id);
    const { messages } = await core.api.getConversation(idOf(events), callOf());
    expect(JSON.stringify(messages)).not.toContain('half an ans');
  });

  it.each([
    ['stops without an end', { pieces: ['half'], finish: null }],
    ['reports an error as its end', { pieces: ['half'], finish: { unified: 'error', raw: 'oom' } }],
    ['is stopped by somebody else', { pieces: ['half'], finish: { unified: 'cancelled', raw: null } }],
  ] as const)('that %s has not answered', async (_, script) => {
    const core = await startCore();
    core.models.script = (_request, n) => (n === 0 ? script : { pieces: ['whole.'] });
    const events = await chat(core, { message: 'Hi', exchanges: 1 });
    expect(only(events, 'message.start').map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(the(events, 'done').response.answer).toBe('whole.');
  });

  it('that stays broken interrupts: finished turns are kept, the client learns how to go on, and can', async () => {
    const core = await startCore();
    core.models.script = (_, n) => (n === 0 ? { pieces: ['kept.'] } : { pieces: ['x'], failure: broken });
    const events = await chat(core, { message: 'Hi', exchanges: 2 });
    const id = idOf(events);
    expect(the(events, 'error')).toMatchObject({
      code: 'upstream_interrupted',
      retryable: true,
      conversation_id: id,
      trace_id: 'a'.repeat(32),
    });
    expect(only(events, 'message.start').map(({ turn, attempt }) => [turn, attempt])).toEqual([
      [0, 1],
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
    ]);
    expect(await core.api.getConversation(id, callOf())).toMatchObject({ status: 'interrupted', turns: 1 });
    core.models.script = () => ({ pieces: ['and on.'] });
    const rest = await chat(core, { conversation_id: id });
    expect(the(rest, 'done').response.messages.map(({ content }) => content)).toEqual(['kept.', 'and on.']);
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ ok: true });
    expect(await failure(core.api.chat({ conversation_id: id }, callOf()))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('is finished'),
    });
  });

  it('is not asked again when that cannot help, nor when the wait is longer than the caller has', async () => {
    const core = await startCore();
    for (const failing of [
      new PlatformError('unsupported_parameter', 'No.'),
      new PlatformError('overloaded', 'Queue full.', { retry_after_ms: 60_000 }),
    ]) {
      const before = core.models.asked.length;
      core.models.script = () => ({ pieces: [], failure: failing });
      expect(the(await chat(core, { message: 'Hi' }), 'error')).toMatchObject({
        code: failing.code,
        retry_after_ms: failing.retry_after_ms ?? null,
      });
      expect(core.models.asked.length - before).toBe(1);
    }
  });

  it('whose failure nobody foresaw tells the client nothing of it', async () => {
    const core = await startCore();
    core.models.script = () => ({ pieces: [], failure: new TypeError('password is hunter2') });
    const error = the(await chat(core, { message: 'Hi' }), 'error');
    expect(error).toMatchObject({ code: 'internal', retryable: false });
    expect(error.message).not.toContain('hunter2');
  });
});

describe('time and other runs', () => {
  it('interrupts at the deadline, with the part recorded', async () => {
    const core = await startCore();
    core.models.script = () => endless;
    const events = await chat(
      core,
      { message: 'Talk.' },
      { call: callOf({ deadline_ms: Date.now() + 1500 }) },
    );
    expect(the(events, 'error')).toMatchObject({ code: 'deadline_exceeded', retryable: true });
    const stored = await core.api.getConversation(idOf(events), callOf());
    expect(stored).toMatchObject({ status: 'interrupted', turns: 1 });
    expect(await core.api.verifyConversation(stored.id, callOf())).toMatchObject({ ok: true, records: 4 });
  });

  it('refuses a second run on a conversation that is running, and verifies it meanwhile', async () => {
    const core = await startCore();
    core.models.script = () => endless;
    const controller = new AbortController();
    let second: PromiseSettledResult<PlatformError> | undefined;
    let verdict = '';
    for await (const event of core.api.chat({ message: 'Talk.' }, callOf({ signal: controller.signal }))) {
      if (event.type !== 'message.start') continue;
      const { id = '' } = (await core.api.listConversations({ limit: 1 }, callOf())).conversations[0] ?? {};
      [second] = await Promise.allSettled([
        failure(core.api.chat({ conversation_id: id, message: 'And me?' }, callOf())),
      ]);
      verdict = (await core.api.verifyConversation(id, callOf())).status;
      controller.abort();
    }
    expect(second).toMatchObject({
      value: { code: 'conflict', message: expect.stringContaining('running') },
    });
    expect(verdict).toBe('unconfirmed');
  });

  it('interrupts what runs when the process stops in order, and is done before it is gone', async () => {
    const core = await startCore();
    core.models.script = () => endless;
    let stopped: Promise<void> | undefined;
    const events = await chat(
      core,
      { message: 'Talk.' },
      {
        seen({ type }) {
          if (type === 'delta') stopped ??= core.stop();
        },
      },
    );
    await stopped;
    expect(the(events, 'error')).toMatchObject({ code: 'unavailable', retryable: true });
    const again = await startCore({ dir: core.dir });
    expect(await again.api.getConversation(idOf(events), callOf())).toMatchObject({
      status: 'interrupted',
      turns: 1,
    });
  });
});
