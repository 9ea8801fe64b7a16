import type { ChainVerdict, ModelInfo } from '@mcp/contracts';
import { verifyLog } from '@mcp/provenance';
import { openTraceStore, readTrace } from '@mcp/service-kit';
import { failure, startNats } from '@mcp/testkit';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ADMIN, BOB, callOf, chat, cleanUp, idOf, only, SECRET, startCore, tempDir, the } from './harness.ts';
import { chatModel, textOf } from './scripted-models.ts';

afterEach(cleanUp);

describe('a whole conversation', () => {
  it('streams each turn and decides; a turn is in the signed log before it is said to be over', async () => {
    const core = await startCore();
    let id = '';
    const kept: Promise<ChainVerdict>[] = [];
    const events = await chat(
      core,
      { message: 'Why is the sky blue?', exchanges: 4 },
      {
        seen(event) {
          if (event.type === 'start') id = event.conversation_id;
          if (event.type === 'message.end')
            kept.push(core.api.exportLog(id, callOf()).then((log) => verifyLog(log, { secret: SECRET })));
        },
      },
    );
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
    expect(events.map(({ type }) => type).filter((type) => type !== 'delta')).toEqual([
      'start',
      ...Array.from({ length: 4 }, () => ['message.start', 'message.end']).flat(),
      'decision',
      'done',
    ]);
    for (const [i, verdict] of (await Promise.all(kept)).entries()) {
      expect(verdict.ok).toBe(true);
      expect(verdict.records).toBeGreaterThanOrEqual(4 + i);
    }
    for (const end of only(events, 'message.end'))
      expect(
        only(events, 'delta')
          .filter(({ message_id }) => message_id === end.message_id)
          .map(({ text }) => text)
          .join(''),
      ).toBe(end.content);
    const { response } = the(events, 'done');
    expect(response).toMatchObject({
      id,
      status: 'completed',
      mode: 'debate',
      models: ['alpha', 'beta'],
      trace_id: 'a'.repeat(32),
      decision: { method: 'composite', candidates: [{ role: 'modelA' }, { role: 'modelB' }] },
      usage: { input_tokens: 40, output_tokens: 12 },
    });
    expect(response.messages.map(({ role, model, turn }) => [role, model, turn])).toEqual([
      ['modelA', 'alpha', 0],
      ['modelB', 'beta', 1],
      ['modelA', 'alpha', 2],
      ['modelB', 'beta', 3],
    ]);
    expect(response.answer).toBe(
      response.messages.find(({ message_id }) => message_id === response.decision?.message_id)?.content,
    );
    const stored = await core.api.getConversation(id, callOf());
    expect(stored).toMatchObject({ status: 'completed', turns: 4, title: 'Why is the sky blue?' });
    expect(stored.messages.map(({ role }) => role).join(' ')).toBe(
      'system system user modelA modelB modelA modelB decision',
    );
    expect(stored.messages[1]).toMatchObject({
      prompt: { name: 'critic_mode', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ ok: true, records: 8 });
    const log = await core.api.exportLog(id, callOf());
    expect(await core.api.verifyLog(log, callOf())).toMatchObject({ ok: true, records: 8 });
  });

  it('keeps hidden reasoning from the answer and from the other model, and in the log', async () => {
    const core = await startCore();
    core.models.script = (request, n) =>
      n === 0
        ? { pieces: ['<thi', 'nk>my secret', ' plan</th', 'ink>\n\nThe answer.'] }
        : { pieces: [`${request.model} agrees.`], reasoning: 'the backend split this off' };
    const events = await chat(core, { message: 'Well?', exchanges: 2 });
    expect(only(events, 'message.end').map(({ content }) => content)).toEqual([
      'The answer.',
      'beta agrees.',
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
    expect(JSON.stringify(core.models.asked[1]?.request)).not.toContain('secret');
    const { messages } = await core.api.getConversation(idOf(events), callOf());
    expect(messages.map(({ reasoning }) => reasoning).filter((text) => text !== undefined)).toEqual([
      'my secret plan',
      'the backend split this off',
    ]);
  });

  it('tags personal data in the record that holds it', async () => {
    const core = await startCore();
    const events = await chat(core, { message: 'Write to ada@example.org.', exchanges: 1 });
    const { messages } = await core.api.getConversation(idOf(events), callOf());
    expect(messages.find(({ role }) => role === 'user')?.pii_tags).toEqual(['email']);
  });

  it('is one trace: turns and arbitration below the request, models below their turn', async () => {
    const nats = await startNats();
    onTestFinished(() => nats.close());
    const core = await startCore({ env: { MCP_TRACE_STORE: 'true', MCP_NATS_URL: nats.url } });
    await openTraceStore(await core.kit.bus(), 1_000_000);
    await chat(core, { message: 'Trace me.', exchanges: 2 });
    const read = async () => readTrace(await core.kit.bus(), 'a'.repeat(32));
    await expect.poll(read).toHaveLength(3);
    const spans = await read();
    expect(spans.map(({ name }) => name)).toEqual([
      'conversation.turn',
      'conversation.turn',
      'conversation.arbitrate',
    ]);
    expect(new Set(spans.map(({ parent_span_id }) => parent_span_id))).toEqual(new Set(['b'.repeat(16)]));
    expect(core.models.asked.map(({ call }) => call.traceparent?.split('-')[2])).toEqual(
      spans.slice(0, 2).map(({ span_id }) => span_id),
    );
    expect(spans[0]?.attributes).toMatchObject({ model_name: 'alpha', tokens_in: 10, tokens_out: 3 });
    const metrics = await core.kit.metrics.text();
    for (const line of [
      /conversation_turns_total\{.*model="alpha".*status="stop".*\} 1/,
      /token_budget_actions_total/,
      /model_arbitration_total\{.*status="composite".*\} 1/,
      /token_budget_actions_total\{.*phase="none".*\} 1/,
    ])
      expect(metrics).toMatch(line);
  });
});

describe('what a conversation is begun with', () => {
  it('takes the first two ready chat models, and one of them twice only when there is no other', async () => {
    const core = await startCore();
    core.models.known = [
      chatModel('embed', { kind: 'embedding' }),
      chatModel('late', { status: 'downloading', detail: '40 %' }),
      chatModel('alpha'),
    ];
    const alone = the(await chat(core, { message: 'Hi', exchanges: 1 }), 'start');
    expect(alone.models).toEqual(['alpha', 'alpha']);
    core.models.known.push(chatModel('beta'));
    expect(the(await chat(core, { message: 'Hi', exchanges: 1 }), 'start').models).toEqual(['alpha', 'beta']);
    expect(the(await chat(core, { message: 'Hi', exchanges: 1, modelA: 'beta' }), 'start').models).toEqual([
      'beta',
      'alpha',
    ]);
  });

  it('takes models outside only when none of its own is ready, in the order in which they are listed', async () => {
    const core = await startCore();
    const outside = [chatModel('paid', { backend: 'openai' }), chatModel('paid-too', { backend: 'openai' })];
    const defaults = async (...known: ModelInfo[]) => {
      core.models.known = known;
      return the(await chat(core, { message: 'Hi', exchanges: 1 }), 'start').models;
    };
    const ollama = chatModel('llama', { own: true });
    const small = chatModel('small', { own: true });
    expect(await defaults(...outside)).toEqual(['paid', 'paid-too']);
    expect(await defaults(...outside, { ...small, status: 'loading' })).toEqual(['paid', 'paid-too']);
    expect(await defaults(...outside, small)).toEqual(['small', 'small']);
    expect(await defaults(...outside, small, ollama)).toEqual(['small', 'llama']);
    const named = await chat(core, { message: 'Hi', exchanges: 1, modelB: 'paid' });
    expect(the(named, 'start').models).toEqual(['small', 'paid']);
  });

  it.each([
    [{ modelA: 'nobody' }, 'model_not_found', /modelA: there is no chat model 'nobody'.*alpha/],
    [{ modelB: 'vectors' }, 'model_not_found', /modelB: there is no chat model 'vectors'/],
    [{ promptB: 'no_such' }, 'invalid_request', /promptB: there is no prompt 'no_such'.*critic_mode/],
    [{ modelB: 'late' }, 'unavailable', /late is downloading: 40 % of 1.1 GB/],
    [{ conversation_id: '0194f0c2-0000-4000-8000-000000000001' }, 'not_found', /no conversation/],
  ] as const)('refuses %j with %s before anything is stored', async (change, code, message) => {
    const core = await startCore();
    core.models.known.push(chatModel('late', { status: 'downloading', detail: '40 % of 1.1 GB' }));
    const error = await failure(core.api.chat({ message: 'Hi', ...change }, callOf()));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    if (code === 'unavailable') expect(error.retry_after_ms).toBeGreaterThan(0);
    expect((await core.api.listConversations({ limit: 10 }, callOf())).conversations).toEqual([]);
    expect(core.models.asked).toEqual([]);
  });

  it('says which models are on their way when none is ready', async () => {
    const core = await startCore();
    core.models.known = [chatModel('late', { status: 'loading', detail: 'warming up' })];
    const error = await failure(core.api.chat({ message: 'Hi' }, callOf()));
    expect(error).toMatchObject({ code: 'unavailable', retry_after_ms: 5000 });
    expect(error.message).toContain('late is loading (warming up)');
  });

  it('passes the sampling settings on, and a seed that differs from turn to turn', async () => {
    const core = await startCore();
    await chat(core, { message: 'Hi', temperature: 0.3, seed: 7, max_tokens_per_turn: 33 });
    expect(
      core.models.asked.map(({ request: { temperature, seed, max_tokens, stream } }) => ({
        temperature,
        seed,
        max_tokens,
        stream,
      })),
    ).toEqual([
      { temperature: 0.3, seed: 7, max_tokens: 33, stream: true },
      { temperature: 0.3, seed: 8, max_tokens: 33, stream: true },
    ]);
  });
});

describe('the token budget', () => {
  it('holds MAX_TOKENS for input and answer of every call, and says in the log what it did', async () => {
    const core = await startCore({ env: { MAX_TOKENS: '256', TOKEN_BUDGET_SUMMARY_ENABLED: 'true' } });
    core.models.script = (request) => ({
      pieces: textOf(request.messages[0]).startsWith('Summarise')
        ? ['A short summary.']
        : Array.from({ length: 60 }, (_, i) => `word${i} `),
    });
    const events = await chat(core, {
      message: `${'A long question about boats. '.repeat(60)}What now?`,
      exchanges: 6,
      max_tokens_per_turn: 64,
    });
    expect(the(events, 'done').response.status).toBe('completed');
    for (const { request } of core.models.asked) {
      const { tokens } = await core.models.countTokens({ model: 'alpha', messages: request.messages });
      expect(tokens + Number(request.max_tokens)).toBeLessThanOrEqual(256);
      const roles = request.messages.map(({ role }) => role);
      expect(roles.filter((role, i) => role === roles[i - 1])).toEqual([]);
    }
    const { messages } = await core.api.getConversation(idOf(events), callOf());
    const budgets = messages.flatMap(({ budget }) => (budget === undefined ? [] : [budget]));
    expect(budgets[0]).toMatchObject({ action: 'truncated', limit_tokens: 256, exact: true });
    expect(budgets.at(-1)?.dropped_messages).toBeGreaterThan(0);
    const first = core.models.asked[0]?.request.messages.at(-1);
    expect(textOf(first)).toMatch(/^A long question about boats\..*\[…\].*What now\?$/s);
  });

  it("stays within a model's own context where that is smaller", async () => {
    const core = await startCore();
    core.models.known = [chatModel('small', { max_context: 300 })];
    const events = await chat(core, { message: 'word '.repeat(400), exchanges: 1 });
    const { messages } = await core.api.getConversation(idOf(events), callOf());
    expect(messages.find(({ budget }) => budget !== undefined)?.budget).toMatchObject({
      limit_tokens: 300,
      action: 'truncated',
    });
  });

  it('tells the client when the system prompt alone is too long', async () => {
    const dir = tempDir();
    const { writeFileSync } = await import('node:fs');
    writeFileSync(`${dir}/endless.md`, 'rule '.repeat(3000));
    const core = await startCore({ env: { MAX_TOKENS: '256', MCP_PROMPTS_DIR: dir } });
    const events = await chat(core, { message: 'Hi', promptA: 'endless', exchanges: 1 });
    expect(the(events, 'error')).toMatchObject({ code: 'context_length_exceeded', retryable: false });
  });
});

describe('another caller', () => {
  it('neither finds, lists, verifies nor goes on with a conversation; an admin sees it', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Mine.', exchanges: 1 }));
    const bob = callOf({ principal: BOB });
    for (const work of [
      () => core.api.getConversation(id, bob),
      () => core.api.verifyConversation(id, bob),
      () => core.api.chat({ conversation_id: id, message: 'Mine now.' }, bob),
    ])
      expect(await failure(work())).toMatchObject({ code: 'not_found', status: 404 });
    expect((await core.api.listConversations({ limit: 10 }, bob)).conversations).toEqual([]);
    const admin = callOf({ principal: ADMIN });
    expect(await core.api.getConversation(id, admin)).toMatchObject({ id, turns: 1 });
    expect(await core.api.listConversations({ limit: 10 }, admin)).toMatchObject({ conversations: [{ id }] });
  });
});
