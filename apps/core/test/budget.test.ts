import { type ChatEvent, PlatformError } from '@mcp/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { type Core, callOf, chat, cleanUp, idOf, only, startCore, the } from './harness.ts';
import { chatModel, type Script, ScriptedModels, textOf } from './scripted-models.ts';

afterEach(cleanUp);

/** Models that report what they take: `ratio` times what is counted, which is no exact count then. */
class Reporting extends ScriptedModels {
  ratio = 1;
  exact = true;

  override async countTokens(request: Parameters<ScriptedModels['countTokens']>[0]) {
    return { ...(await super.countTokens(request)), exact: this.exact };
  }

  override async *generate(...[request, call]: Parameters<ScriptedModels['generate']>) {
    let written = 0;
    const { tokens } = await this.countTokens({ model: request.model, messages: request.messages });
    for await (const event of super.generate(request, call)) {
      if (event.type === 'text') written++;
      yield event.type === 'usage'
        ? {
            ...event,
            usage: { input_tokens: Math.round(tokens * this.ratio), output_tokens: written },
          }
        : event;
    }
  }
}

/** Refuses what is longer than its context with the answer, as most servers do. */
class Strict extends Reporting {
  refused = 0;

  override async *generate(...[request, call]: Parameters<ScriptedModels['generate']>) {
    const { tokens } = await this.countTokens({ model: request.model, messages: request.messages });
    if (tokens * this.ratio + (request.max_tokens ?? 0) > 400) {
      this.refused++;
      throw new PlatformError('context_length_exceeded', 'This is too long.');
    }
    yield* super.generate(request, call);
  }
}

const sentences = (count: number): Script => ({
  pieces: Array.from({ length: count }, (_, i) => (i % 6 === 5 ? `word${i}. ` : `word${i} `)),
});

async function budgetsOf(core: Core, events: readonly ChatEvent[]) {
  const { messages } = await core.api.getConversation(idOf(events), callOf());
  return messages.flatMap(({ budget, usage, finish_reason, content }) =>
    budget === undefined ? [] : [{ ...budget, usage, finish_reason, content }],
  );
}

describe('an answer that outgrows its room', () => {
  it('ends at a sentence, says so in its stream and its record, and lets the model stop', async () => {
    const core = await startCore({ env: { MAX_TOKENS: '256' } });
    // It writes on whatever it was told.
    core.models.script = () => sentences(600);
    const events = await chat(core, { message: 'word '.repeat(60), exchanges: 2, max_tokens_per_turn: 400 });
    expect(the(events, 'done').response.status).toBe('completed');
    const ends = only(events, 'message.end');
    for (const end of ends) {
      const at = events.indexOf(end);
      expect(events[at - 1]).toMatchObject({
        type: 'truncated',
        message_id: end.message_id,
        limit_tokens: 256,
      });
      expect(end.finish_reason).toEqual({ unified: 'length', raw: 'token_budget' });
      expect(end.content).toMatch(/\. $/);
      const said = only(events, 'delta').filter(({ message_id }) => message_id === end.message_id);
      expect(said.map(({ text }) => text).join('')).toBe(end.content);
    }
    for (const record of await budgetsOf(core, events)) {
      expect(record).toMatchObject({ answer_truncated: true, finish_reason: { unified: 'length' } });
      expect(Number(record.usage?.output_tokens) + record.input_tokens).toBeLessThanOrEqual(256);
    }
    expect(core.models.stopped).toBe(2);
    expect(await core.kit.metrics.text()).toMatch(/token_budget_answers_ended_total\{[^}]*alpha[^}]*\} 1/);
    expect(await core.api.verifyConversation(idOf(events), callOf())).toMatchObject({ status: 'ok' });
  });

  it('is whole where it fits, and where the caller asked for less than there is room', async () => {
    const core = await startCore({ env: { MAX_TOKENS: '256' } });
    core.models.script = () => sentences(20);
    const events = await chat(core, { message: 'word '.repeat(60), exchanges: 1, max_tokens_per_turn: 400 });
    expect(only(events, 'truncated')).toEqual([]);
    expect(the(events, 'message.end').content).toBe(sentences(20).pieces.join(''));
    core.models.script = () => ({ ...sentences(4), finish: { unified: 'length', raw: 'length' } });
    const short = await chat(core, { message: 'Hi', exchanges: 1, max_tokens_per_turn: 4 });
    expect(only(short, 'truncated')).toEqual([]);
  });
});

describe('what a turn is expected to take', () => {
  it('follows what the model took before, and holds the limit for a count that is no exact one', async () => {
    const models = new Reporting();
    models.exact = false;
    models.ratio = 1.5;
    models.script = () => sentences(40);
    const core = await startCore({
      models,
      env: { MAX_TOKENS: '400', TOKEN_BUDGET_SUMMARY_ENABLED: 'false' },
    });
    const events = await chat(core, { message: 'word '.repeat(40), exchanges: 12, max_tokens_per_turn: 100 });
    const budgets = await budgetsOf(core, events);
    // The first turn of each model knows nothing: it reserves the longest answer. Two later it knows the ratio.
    expect(budgets[0]).toMatchObject({ margin: 0.2, exact: false, action: 'none' });
    expect(budgets.at(-1)).toMatchObject({ exact: false });
    for (const { usage, limit_tokens, input_tokens, counted_tokens = input_tokens } of budgets.slice(4)) {
      expect(Math.abs(input_tokens / counted_tokens / 1.5 - 1)).toBeLessThan(0.1);
      expect(Number(usage?.input_tokens) + Number(usage?.output_tokens)).toBeLessThanOrEqual(limit_tokens);
    }
    expect(new Set(budgets.map(({ action }) => action))).toContain('clustered');
    expect(await core.kit.metrics.text()).toMatch(/token_budget_forecast_error_ratio_count\{[^}]*alpha/);
  });

  it('fits a context again that the model refuses as too long, of which nothing was said yet', async () => {
    const models = new Strict();
    models.exact = false;
    models.ratio = 1.6;
    models.script = () => sentences(10);
    const core = await startCore({ models, env: { MAX_TOKENS: '400' } });
    const events = await chat(core, { message: 'word '.repeat(290), exchanges: 1, max_tokens_per_turn: 60 });
    expect(models.refused).toBeGreaterThan(0);
    expect(only(events, 'message.start')).toHaveLength(1);
    const [{ usage, action } = {}] = await budgetsOf(core, events);
    expect(action).not.toBe('none');
    expect(Number(usage?.input_tokens)).toBeLessThanOrEqual(400 - 60);
    // A model that says so of its own count is believed.
    models.exact = true;
    models.ratio = 4;
    const refused = await chat(core, { message: 'word '.repeat(120), exchanges: 1, max_tokens_per_turn: 60 });
    expect(the(refused, 'error').code).toBe('context_length_exceeded');
  });

  it('is the same after a restart: it is read from the records', async () => {
    const models = new Reporting();
    models.exact = false;
    models.ratio = 1.3;
    models.script = () => sentences(30);
    const core = await startCore({ models });
    const request = { message: 'word '.repeat(40), exchanges: 8 };
    const events = await chat(core, request);
    const conversation_id = idOf(events);
    await core.stop();
    const resumed = await startCore({ dir: core.dir, models });
    const more = await chat(resumed, { conversation_id, exchanges: 5, message: 'And now?' });
    const [next] = (await budgetsOf(resumed, more)).slice(-5);
    expect(next?.margin).toBeCloseTo(0.1, 1);
    expect(Number(next?.input_tokens) / Number(next?.counted_tokens)).toBeCloseTo(1.3, 1);
    expect(await resumed.api.verifyConversation(conversation_id, callOf())).toMatchObject({ status: 'ok' });
  });

  it('keeps more of a context for a model of short answers, and with the flag off reserves the longest', async () => {
    const inputs = async (flag: string) => {
      const models = new Reporting();
      models.script = () => sentences(20);
      models.known = [chatModel('alpha')];
      const core = await startCore({
        models,
        env: { MAX_TOKENS: '300', TOKEN_BUDGET_FORECAST_ENABLED: flag },
      });
      const events = await chat(core, {
        message: 'word '.repeat(30),
        exchanges: 8,
        max_tokens_per_turn: 140,
      });
      return (await budgetsOf(core, events)).map(({ input_tokens }) => input_tokens);
    };
    const [on, off] = [await inputs('true'), await inputs('false')];
    expect(Math.max(...off)).toBeLessThanOrEqual(160);
    expect(Math.max(...on)).toBeGreaterThan(200);
  });
});

it('a context is compared in meaning with the question by the embedding model, once', async () => {
  const core = await startCore({ env: { MAX_TOKENS: '256', MODEL_ARBITRATION_ENABLED: 'false' } });
  core.models.script = () => sentences(60);
  core.models.vector = (text) => (text.includes('boats') ? [1, 0, 0, 0] : [0, 1, 0, 0]);
  const events = await chat(core, { message: 'What of boats?', exchanges: 4, max_tokens_per_turn: 64 });
  const budgets = await budgetsOf(core, events);
  const made = budgets.filter(({ action }) => action !== 'none').length;
  expect(made).toBeGreaterThan(0);
  expect(core.models.embedded).toBe(made);
  expect(
    core.models.asked.every(({ request }) => request.messages.map(textOf).join('').includes('boats')),
  ).toBe(true);
});
