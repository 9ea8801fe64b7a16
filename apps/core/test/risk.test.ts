/** Conversations that are watched for risk: each turn on its route, with the reasons in events and log. */
import { type ConversationRisk, LogRecordV2, type RiskVerdict } from '@mcp/contracts';
import { DEFAULT_THRESHOLDS } from '@mcp/safety/routing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Core, callOf, chat, cleanUp, idOf, only, startCore, the } from './harness.ts';
import { chatModel, textOf } from './scripted-models.ts';

afterEach(cleanUp);

const CARD = 'My card is 4111 1111 1111 1111.';
const watched = (signals: ConversationRisk['signals'], more: Partial<ConversationRisk> = {}) => ({
  message: `${CARD} Why was it refused?`,
  risk: { signals, thresholds: DEFAULT_THRESHOLDS, ...more },
});

async function recordsOf(core: Core, id: string): Promise<LogRecordV2[]> {
  return z.array(LogRecordV2).parse((await core.api.exportLog(id, callOf())).messages);
}

async function risksOf(core: Core, id: string): Promise<(RiskVerdict['route'] | undefined)[]> {
  const records = await recordsOf(core, id);
  expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ status: 'ok' });
  return records.filter(({ kind }) => kind !== 'system').map(({ risk }) => risk?.route);
}

const askedModels = ({ models }: Core) => models.asked.map(({ request }) => request.model);

describe('the route of a conversation by what is known before it', () => {
  it('is none where nobody asked for one', async () => {
    const core = await startCore();
    const events = await chat(core, { message: CARD });
    expect(events.some((event) => 'risk' in event)).toBe(false);
    expect(await risksOf(core, idOf(events))).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('plain: as asked, with the risk of every step on record', async () => {
    const core = await startCore();
    const events = await chat(core, watched({ history: 0.4 }));
    expect(askedModels(core)).toEqual(['alpha', 'beta']);
    expect(await risksOf(core, idOf(events))).toEqual(['plain', 'plain', 'plain', 'plain']);
    expect(the(events, 'start').risk).toMatchObject({ route: 'plain', reasons: [{ signal: 'history' }] });
  });

  it('baseline: the model that is known to be safe takes the turns', async () => {
    const core = await startCore();
    core.models.known.push(chatModel('safe'));
    core.models.script = () => ({ pieces: ['All is well.'] });
    const events = await chat(core, watched({ data: 0.6 }, { baseline_model: 'safe' }));
    expect(askedModels(core)).toEqual(['safe', 'safe']);
    expect(the(events, 'done').response.messages.map(({ model }) => model)).toEqual(['safe', 'safe']);
  });

  it.each<[string, ConversationRisk['signals']]>([
    ['baseline without such a model', { data: 0.6 }],
    ['critic', { data: 0.8 }],
  ])('%s: another turn checks the answers', async (_, signals) => {
    const core = await startCore();
    const events = await chat(core, watched(signals));
    expect(askedModels(core)).toEqual(['alpha', 'beta', 'alpha']);
    expect(textOf(core.models.asked[2]?.request.messages.at(-1))).toContain('calls for care');
    expect(the(events, 'decision').decision.extra_turns).toEqual(['risk']);
    expect(the(events, 'decision').risk?.route).toBe('critic');
  });

  it('sandbox: models are shown no personal data', async () => {
    const core = await startCore();
    const events = await chat(core, watched({ data: 0.8, history: 0.7 }));
    const shown = core.models.asked.flatMap(({ request }) => request.messages.map(textOf)).join('\n');
    expect(shown).toContain('<CREDIT_CARD_1>');
    expect(shown).not.toContain('4111');
    expect((await recordsOf(core, idOf(events)))[2]?.content).toContain('4111');
  });

  it('refuse: no model is asked', async () => {
    const core = await startCore();
    const events = await chat(core, watched({ injection: 1, data: 0.8 }));
    expect(the(events, 'error')).toMatchObject({ code: 'content_filter', retryable: false });
    expect(askedModels(core)).toEqual([]);
  });
});

describe('the route of a conversation that is under way', () => {
  it('becomes more careful by what a turn says, and does not go back', async () => {
    const core = await startCore();
    core.models.script = (_, n) => ({ pieces: [n === 0 ? CARD : 'All is well.'] });
    const events = await chat(core, { ...watched({}), message: 'Invent a card.' });
    expect(only(events, 'message.end').map(({ risk }) => risk?.route)).toEqual([
      'critic',
      'critic',
      'critic',
    ]);
    expect(await risksOf(core, idOf(events))).toEqual(['plain', 'critic', 'critic', 'critic', 'critic']);
  });

  it('is a check where the answers disagree', async () => {
    const core = await startCore({ env: { ARBITRATION_CRITIQUE_ENABLED: 'false' } });
    core.models.script = ({ model }) => ({ pieces: [`The answer of ${model}.`] });
    core.models.vector = (text) => (text.includes('alpha') ? [0, 1, 0, 0] : [1, 0, 0, 0]);
    const events = await chat(core, { ...watched({}), message: 'Why?', mode: 'answer' });
    expect(the(events, 'decision').decision.extra_turns).toEqual(['risk']);
    expect(the(events, 'decision').risk).toMatchObject({ route: 'critic' });
  });

  it('ends a turn whose tokens are guesses where the rest is doubtful, and what is left cannot be resumed', async () => {
    const core = await startCore();
    for (const model of core.models.known) model.capabilities = ['logprobs'];
    core.models.script = () => ({ pieces: Array.from({ length: 80 }, (_, i) => `w${i} `), logprob: -3 });
    const thresholds = { ...DEFAULT_THRESHOLDS, refuse: 0.8 };
    const events = await chat(core, watched({ data: 0.6 }, { thresholds }));
    expect(the(events, 'message.end')).toMatchObject({
      finish_reason: { unified: 'content_filter' },
      risk: { route: 'refuse', reasons: [{ signal: 'volatility' }, { signal: 'data' }] },
    });
    expect(the(events, 'message.end').content).toContain('w10 ');
    expect(the(events, 'message.end').content).not.toContain('w70 ');
    expect(the(events, 'error').code).toBe('content_filter');
    const again = await chat(core, { risk: watched({}).risk, conversation_id: idOf(events) });
    expect(the(again, 'error').code).toBe('content_filter');
    expect(core.models.asked).toHaveLength(1);
  });

  it("asks for probabilities a server elsewhere always, and the platform's own models in doubt alone", async () => {
    const core = await startCore();
    core.models.known = [
      chatModel('alpha', { capabilities: ['logprobs'] }),
      chatModel('beta', { capabilities: ['logprobs'], own: true }),
    ];
    await chat(core, { ...watched({}), modelA: 'alpha', modelB: 'beta', message: 'Why?' });
    await chat(core, watched({ data: 0.8 }, { thresholds: { ...DEFAULT_THRESHOLDS, critic: 0.5 } }));
    const asked = core.models.asked.map(({ request }) => [request.model, request.logprobs === true]);
    expect(asked.slice(0, 2)).toEqual([
      ['alpha', true],
      ['beta', false],
    ]);
    expect(asked.slice(2).every(([, told]) => told)).toBe(true);
  });
});
