/** Candidates in parallel, extra turns, shadow mode and the judge, as a caller of core sees them. */
import { ArbitrationTerms, LogRecordV2, PlatformError } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Core, callOf, chat, cleanUp, idOf, only, startCore, the } from './harness.ts';
import { textOf } from './scripted-models.ts';

afterEach(cleanUp);

const OLD = 'The bridge was opened in 1931.';
const NEW = 'The bridge was opened in 1958.';

async function recordsOf(core: Core, id: string): Promise<LogRecordV2[]> {
  return z.array(LogRecordV2).parse((await core.api.exportLog(id, callOf())).messages);
}

function terms(change: object): Record<string, string> {
  return { MCP_ARBITRATION: JSON.stringify(change) };
}

/** Alpha says one year and beta another; whoever is asked again settles it. */
function contradicting(core: Core): void {
  core.models.script = (request, n) => ({ pieces: [n > 1 ? NEW : request.model === 'alpha' ? OLD : NEW] });
}

describe('answers that contradict each other', () => {
  it('get the other side quoted where no evidence decides, without asking a model', async () => {
    const core = await startCore();
    contradicting(core);
    const events = await chat(core, { message: 'When was it opened?', mode: 'answer' });
    const { response } = the(events, 'done');
    expect(core.models.asked).toHaveLength(2);
    const quoting = `${OLD}\n\nNot settled. Others say:\n- ${NEW}`;
    expect(response.messages.map(({ role, content }) => [role, content])).toEqual([
      ['modelA', OLD],
      ['modelB', NEW],
      ['modelA', quoting],
    ]);
    expect(response.answer).toBe(quoting);
    const defaults = ArbitrationTerms.parse({});
    expect(response.decision).toMatchObject({
      chosen: 'modelA',
      message_id: response.messages[2]?.message_id,
      critique_turn: true,
      extra_turns: ['undecided'],
      candidates: { length: 3 },
      contradictions: [{ kind: 'number', against: null }],
      version: '3',
      weights: defaults.weights,
      thresholds: defaults.thresholds,
    });
    expect(only(events, 'message.end').at(-1)).toMatchObject({ content: quoting, turn: 2 });
    const [, , question, ...said] = await recordsOf(core, idOf(events));
    expect(said.map(({ kind }) => kind)).toEqual(['turn', 'turn', 'critique', 'decision']);
    // No model said it: it is by the platform, made from both answers.
    expect(said[2]).toMatchObject({ model: 'mcp/quoting', parents: [said[0]?.step, said[1]?.step] });
    expect(question).toMatchObject({ kind: 'question' });
    expect(await core.api.verifyConversation(idOf(events), callOf())).toMatchObject({ status: 'ok' });
    expect(await core.kit.metrics.text()).toMatch(
      /model_arbitration_extra_turns_total\{.*reason="undecided".*\} 1/,
    );
  });

  const SOURCE = `Source: The bridge was opened in 1944.\n\nWhen was it opened?`;

  it('get a refinement turn where the evidence is against the best of them, which is told of that alone', async () => {
    const core = await startCore({ env: terms({ refinement: { max_output_tokens: 40 } }) });
    const mended = 'The bridge was opened in 1944.';
    core.models.script = (request, n) => ({
      pieces: [n > 1 ? mended : request.model === 'alpha' ? OLD : NEW],
    });
    const { response } = the(await chat(core, { message: SOURCE, mode: 'answer' }), 'done');
    const { messages = [], max_tokens } = core.models.asked[2]?.request ?? {};
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(textOf(messages.at(-1))).toContain(`- "${OLD}" against "${mended}"`);
    expect(textOf(messages.at(-1))).not.toContain('Source:');
    expect(max_tokens).toBe(40);
    expect(response.answer).toBe(mended);
    expect(response.decision).toMatchObject({ extra_turns: ['contradiction'], candidates: { length: 3 } });
  });

  it('keep the answer before a refinement turn that is worse', async () => {
    const core = await startCore();
    const worse = `${OLD} I think maybe. Perhaps.`;
    core.models.script = (request, n) => ({
      pieces: [n > 1 ? worse : request.model === 'alpha' ? OLD : NEW],
    });
    const { response } = the(await chat(core, { message: SOURCE, mode: 'answer' }), 'done');
    expect(response.messages.map(({ content }) => content)).toEqual([OLD, NEW, worse]);
    expect(response.answer).toBe(OLD);
    expect(response.decision).toMatchObject({
      message_id: response.messages[0]?.message_id,
      extra_turns: ['contradiction'],
    });
    expect(response.decision?.candidates.map(({ role }) => role)).toEqual(['modelA', 'modelA', 'modelB']);
  });

  it('are recorded where no turn may be taken, with whom the sources in the question are against', async () => {
    const core = await startCore({ env: { ARBITRATION_CRITIQUE_ENABLED: 'false' } });
    contradicting(core);
    const message = `Source: ${NEW}\n\nWhen was it opened?`;
    const { response } = the(await chat(core, { message, mode: 'answer' }), 'done');
    expect(response.decision).toMatchObject({
      chosen: 'modelB',
      critique_turn: false,
      contradictions: [
        {
          kind: 'number',
          against: 'modelA',
          between: [
            { role: 'modelA', claim: OLD },
            { role: 'modelB', claim: NEW },
          ],
        },
        { kind: 'number', against: 'modelA', between: [{ role: 'modelA' }, { role: 'user' }] },
      ],
    });
    expect(await core.kit.metrics.text()).toMatch(
      /model_arbitration_contradictions_total\{.*kind="number".*\} 2/,
    );
  });
});

it('embeds the question and each answer once', async () => {
  const core = await startCore();
  contradicting(core);
  const seen: string[] = [];
  const embed = core.models.embed.bind(core.models);
  core.models.embed = (request) => {
    seen.push(...request.input);
    return embed(request);
  };
  await chat(core, { message: 'When was it opened?', mode: 'answer' });
  expect(seen.sort()).toEqual([OLD, NEW, 'When was it opened?'].sort());
});

it('the extended loop goes on from a summary of the best answer, as often as the terms say', async () => {
  const core = await startCore({
    env: terms({ version: 'strict-1', thresholds: { composite: 1 }, max_extended_turns: 2 }),
  });
  const events = await chat(core, { message: 'Why?' });
  const { response } = the(events, 'done');
  expect(response.decision).toMatchObject({
    version: 'strict-1',
    extra_turns: ['low-composite', 'low-composite'],
    thresholds: { composite: 1, divergence: 0.35 },
  });
  expect(response.messages).toHaveLength(4);
  const records = await recordsOf(core, idOf(events));
  const [summary] = records.filter(({ kind }) => kind === 'summary');
  const turn = records.find(({ kind }) => kind === 'critique');
  expect(summary?.content).toMatch(/^The best answer so far was:\n\n"""\nalpha says number 0\.\n"""$/);
  expect(summary?.parents).toEqual(['s3', 's4']);
  expect(turn?.parents).toEqual(['s0', 's2', summary?.step]);
  expect(turn?.participant).toBe(summary?.participant);
  expect(await core.api.verifyConversation(idOf(events), callOf())).toMatchObject({ status: 'ok' });
});

it('in shadow mode everything is decided and recorded, and nothing applied', async () => {
  const core = await startCore({ env: { MODEL_ARBITRATION_SHADOW: 'true' } });
  contradicting(core);
  const message = `Source: ${NEW}\n\nWhen was it opened?`;
  const { response } = the(await chat(core, { message, mode: 'answer' }), 'done');
  expect(response.messages).toHaveLength(2);
  expect(response.answer).toBe(OLD);
  expect(response.decision).toMatchObject({
    chosen: 'modelA',
    method: 'shadow',
    critique_turn: false,
    contradictions: [{ against: 'modelA' }, { against: 'modelA' }],
    candidates: { length: 2 },
    shadow: { chosen: 'modelB', method: 'composite', extra_turn: null },
  });
});

describe('first turns in mode answer', () => {
  const three = { message: 'Why?', mode: 'answer' as const, participants: [{}, {}, {}] };

  it('are asked for at the same time, and recorded in their order', async () => {
    const core = await startCore();
    let together = 0;
    let most = 0;
    let release: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    const generate = core.models.generate.bind(core.models);
    core.models.generate = async function* (request, call) {
      most = Math.max(most, ++together);
      if (together === 3) release();
      // None answers before all are asked.
      await all;
      yield* generate(request, call);
      together--;
    };
    core.models.script = (request, n) => ({
      pieces: [`${request.model} answers ${n % 2 === 0 ? 'so' : 'thus'}.`],
    });
    const events = await chat(core, three);
    expect(most).toBe(3);
    expect(only(events, 'message.end').map(({ turn }) => turn)).toEqual([0, 1, 2]);
    const turns = (await recordsOf(core, idOf(events))).filter(({ kind }) => kind === 'turn');
    expect(turns.map(({ participant, step }) => [participant, step])).toEqual([
      ['modelA', 's4'],
      ['modelB', 's5'],
      ['modelC', 's6'],
    ]);
  });

  it('who has not answered by the deadline is not waited for, and can be asked later', async () => {
    const core = await startCore({ env: terms({ candidate_timeout_ms: 1000 }) });
    let slow = true;
    core.models.script = (request, n) =>
      request.model === 'alpha' && slow
        ? { pieces: ['too ', 'late'], pause_ms: 60_000 }
        : { pieces: [`Answer ${n} by ${request.model}.`] };
    const events = await chat(core, { message: 'Why?', mode: 'answer' });
    const { response } = the(events, 'done');
    expect(response).toMatchObject({
      status: 'completed',
      decision: { chosen: 'modelB', method: 'fastest-successful', missing: ['modelA'], critique_turn: false },
    });
    expect(response.decision?.reason).toMatch(
      /modelA had not answered by the deadline: the fastest whole answer, by beta/,
    );
    expect(response.answer).toMatch(/by beta/);
    expect(core.models.stopped).toBe(1);
    slow = false;
    const later = the(await chat(core, { conversation_id: idOf(events) }), 'done').response;
    expect(later.messages.map(({ role }) => role).sort()).toEqual(['modelA', 'modelB']);
    expect(later.decision?.missing).toBeUndefined();
  });

  it('when one fails, keep what the others said, and can be finished', async () => {
    const core = await startCore();
    let broken = true;
    core.models.script = (request) =>
      request.model === 'beta' && broken
        ? { pieces: ['half'], failure: new PlatformError('context_length_exceeded', 'Too long.') }
        : { pieces: [`${request.model} is well.`] };
    const events = await chat(core, { message: 'Why?', mode: 'answer' });
    expect(the(events, 'error').code).toBe('context_length_exceeded');
    broken = false;
    const asked = core.models.asked.length;
    const { response } = the(await chat(core, { conversation_id: idOf(events) }), 'done');
    expect(response.messages.map(({ role }) => role)).toEqual(['modelA', 'modelB']);
    expect(core.models.asked[asked]?.request.model).toBe('beta');
  });

  it('stop all when the caller cancels', async () => {
    const core = await startCore();
    core.models.script = () => ({ pieces: ['so ', 'much ', 'to ', 'say'], pause_ms: 60_000 });
    const stop = new AbortController();
    const events = await chat(core, three, {
      call: callOf({ signal: stop.signal }),
      seen: (event) => {
        if (event.type === 'message.start' && event.turn === 2) stop.abort();
      },
    });
    expect(the(events, 'done').response).toMatchObject({ status: 'cancelled', messages: [], decision: null });
    expect(core.models.stopped).toBe(3);
  });
});

describe('the judge', () => {
  const answer = (word: string, core: Core) => {
    contradicting(core);
    const generate = core.models.generate.bind(core.models);
    core.models.generate = async function* (request, call) {
      if (request.max_tokens !== 1) return yield* generate(request, call);
      const token = { token: word, logprob: Math.log(0.9), bytes: null };
      yield { type: 'text', choice: 0, text: word, logprobs: [{ ...token, top_logprobs: [token] }] };
    };
  };
  const env = {
    ARBITRATION_JUDGE_ENABLED: 'true',
    ARBITRATION_CRITIQUE_ENABLED: 'false',
    ...terms({ judge: { model: 'alpha' } }),
  };

  it.each([
    ['yes', 'judged', 1],
    ['no', 'number', 0],
  ] as const)('says %s: the strength is the mean of both', async (word, kind, yes) => {
    const core = await startCore({ env });
    answer(word, core);
    const { decision } = the(await chat(core, { message: 'When?', mode: 'answer' }), 'done').response;
    expect(decision?.candidates.map(({ judged }) => judged)).toEqual([yes, yes]);
    expect(decision?.contradictions).toMatchObject([{ kind, strength: (0.9 + yes) / 2 }]);
  });

  it('is done without when it fails', async () => {
    const core = await startCore({ env });
    contradicting(core);
    const { decision } = the(await chat(core, { message: 'When?', mode: 'answer' }), 'done').response;
    expect(decision?.candidates.map(({ judged }) => judged)).toEqual([undefined, undefined]);
    expect(decision?.contradictions).toMatchObject([{ kind: 'number' }]);
  });
});

it('terms that make no sense are refused at the start', async () => {
  const refused = await failure(startCore({ env: terms({ weights: { semantic: 2 } }) })).catch(
    (error: unknown) => error,
  );
  expect(String(refused)).toMatch(/MCP_ARBITRATION.*weights\.semantic/s);
});
