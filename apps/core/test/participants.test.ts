import { LogRecordV2 } from '@mcp/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Core, callOf, chat, cleanUp, idOf, only, startCore, the } from './harness.ts';
import { chatModel, textOf } from './scripted-models.ts';

afterEach(cleanUp);

async function recordsOf(core: Core, id: string): Promise<LogRecordV2[]> {
  return z.array(LogRecordV2).parse((await core.api.exportLog(id, callOf())).messages);
}

describe('a conversation of three', () => {
  it('shows each what the others said, and names in the log what each turn was made from', async () => {
    const core = await startCore();
    core.models.known.push(chatModel('gamma'));
    const events = await chat(core, { message: 'Why?', participants: [{}, {}, {}], exchanges: 4 });
    expect(the(events, 'start').models).toEqual(['alpha', 'beta', 'gamma']);
    const records = await recordsOf(core, idOf(events));
    expect(records.map(({ step, kind, participant, parents }) => [step, kind, participant, parents])).toEqual(
      [
        ['s0', 'system', 'modelA', []],
        ['s1', 'system', 'modelB', []],
        ['s2', 'system', 'modelC', []],
        ['s3', 'question', undefined, []],
        ['s4', 'turn', 'modelA', ['s0', 's3']],
        ['s5', 'turn', 'modelB', ['s1', 's3', 's4']],
        ['s6', 'turn', 'modelC', ['s2', 's3', 's4', 's5']],
        ['s7', 'turn', 'modelA', ['s0', 's3', 's4', 's5', 's6']],
        ['s8', 'decision', undefined, ['s3', 's7', 's5', 's6']],
      ],
    );
    const asked = core.models.asked.map(({ request }) => request.messages.map(textOf).join('\n'));
    expect(asked[2]).toMatch(/Someone answered:.*alpha says.*Someone else answered:.*beta says/s);
    expect(only(events, 'message.start').map(({ step }) => step)).toEqual(['s4', 's5', 's6', 's7']);
    expect(the(events, 'decision').step).toBe('s8');
  });

  it('is independent at first in mode answer, and goes on with what was chosen', async () => {
    const core = await startCore();
    core.models.known.push(chatModel('gamma'));
    const first = await chat(core, { message: 'Why?', mode: 'answer', participants: [{}, {}, {}] });
    const id = idOf(first);
    expect(
      (await recordsOf(core, id)).filter(({ kind }) => kind === 'turn').map(({ parents }) => parents),
    ).toEqual([
      ['s0', 's3'],
      ['s1', 's3'],
      ['s2', 's3'],
    ]);
    const chosen = the(first, 'done').response;
    const step = chosen.messages.find(({ message_id }) => message_id === chosen.decision?.message_id)?.step;
    await chat(core, { conversation_id: id, message: 'And then?', exchanges: 1 });
    const next = (await recordsOf(core, id)).find(({ step: one }) => one === 's9');
    expect(next).toMatchObject({ kind: 'turn', participant: 'modelA', parents: ['s0', 's3', step, 's8'] });
  });

  it('takes one more turn, by the best so far, when one answer is far from the others', async () => {
    const core = await startCore();
    core.models.vector = (text) => (text.includes('number 2') ? [0, 1, 0, 0] : [1, 0, 0, 0]);
    const events = await chat(core, { message: 'Why?', participants: [{}, {}, {}] });
    const { response } = the(events, 'done');
    expect(response.decision).toMatchObject({
      critique_turn: true,
      extra_turns: ['divergence'],
      candidates: { length: 4 },
    });
    expect(response.messages.map(({ role }) => role)).toEqual(['modelA', 'modelB', 'modelC', 'modelB']);
    expect((await recordsOf(core, idOf(events))).filter(({ kind }) => kind === 'critique')).toMatchObject([
      { participant: 'modelB', parents: ['s1', 's3', 's5'] },
    ]);
  });
});

describe('participants without a model', () => {
  it.each([
    ['alpha', [{}, {}, {}], ['alpha', 'alpha', 'alpha']],
    ['alpha beta', [{}, {}, {}], ['alpha', 'beta', 'alpha']],
    ['alpha beta', [{ model: 'alpha' }, {}, {}], ['alpha', 'beta', 'alpha']],
    ['alpha beta', [{}, { model: 'alpha' }], ['beta', 'alpha']],
    ['alpha beta gamma', [{}, { model: 'beta' }, {}, {}], ['alpha', 'beta', 'gamma', 'alpha']],
  ])('share what is ready of %s: %j', async (ready, participants, models) => {
    const core = await startCore();
    core.models.known = ready.split(' ').map((id) => chatModel(id));
    const start = the(await chat(core, { message: 'Hi', participants, exchanges: 1 }), 'start');
    expect(start.models).toEqual(models);
    expect(start.participants.map(({ prompt }) => prompt)).toEqual(
      models.map((_, at) => (at === 0 ? 'base_system' : 'critic_mode')),
    );
  });

  it.each([
    [
      [{ id: 'modelB' }, {}, {}],
      ['modelB', 'modelA', 'modelC'],
    ],
    [
      [{}, { id: 'modelA' }, {}],
      ['modelB', 'modelA', 'modelC'],
    ],
    [
      [{ id: 'modelH' }, ...Array(7).fill({})],
      ['modelH', 'modelA', 'modelB', 'modelC', 'modelD', 'modelE', 'modelF', 'modelG'],
    ],
  ])('get ids that nobody has: %j', async (participants, ids) => {
    const core = await startCore();
    const start = the(await chat(core, { message: 'Hi', participants, exchanges: 1 }), 'start');
    expect(start.participants.map(({ id }) => id)).toEqual(ids);
  });
});

it('a summary that a turn was made from is a step of its own, between what it stands for and the turn', async () => {
  const core = await startCore({ env: { MAX_TOKENS: '256', TOKEN_BUDGET_SUMMARY_ENABLED: 'true' } });
  core.models.script = (request) => ({
    pieces: textOf(request.messages[0]).startsWith('Summarise')
      ? ['A short summary.']
      : Array.from({ length: 60 }, (_, i) => `word${i} `),
  });
  const events = await chat(core, { message: 'What now?', exchanges: 6, max_tokens_per_turn: 64 });
  const records = await recordsOf(core, idOf(events));
  const summaries = records.filter(({ kind }) => kind === 'summary');
  expect(summaries.length).toBeGreaterThan(0);
  for (const summary of summaries) {
    const turn = records[records.indexOf(summary) + 1];
    expect(turn).toMatchObject({
      kind: 'turn',
      participant: summary.participant,
      budget: { action: 'summarized' },
    });
    expect(summary).toMatchObject({ role: 'summary', content: 'A short summary.' });
    expect(turn?.parents).toContain(summary.step);
    // What it stands for, the turn was shown in part at most.
    expect(summary.parents.length).toBeGreaterThanOrEqual(turn?.budget?.dropped_messages ?? 0);
    const [first] = records.flatMap(({ kind, step }) => (kind === 'question' ? [step] : []));
    expect(summary.parents).not.toContain(first);
  }
  expect(await core.api.verifyConversation(idOf(events), callOf())).toMatchObject({ status: 'ok' });
  expect(await core.api.getConversation(idOf(events), callOf())).toMatchObject({ turns: 6 });
});
