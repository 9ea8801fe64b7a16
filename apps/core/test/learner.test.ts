/** Feedback on decisions, and the learner of weights, as a caller of core sees them. */
import { ArbitrationTerms } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ADMIN,
  BOB,
  type Core,
  callOf,
  chat,
  cleanUp,
  idOf,
  startCore,
  startReplica,
  the,
} from './harness.ts';

afterEach(cleanUp);

const QUESTION = { message: 'Why is the sky blue?', mode: 'answer' as const };

/** Two answers that agree: one that begins with a hedge and one that does not, so that they are scored apart. */
function agreeing(core: Core): void {
  core.models.script = (request) => ({
    pieces: [
      request.model === 'alpha'
        ? 'Blue light is scattered more, because its waves are short.'
        : 'Perhaps blue light is scattered more by the air',
    ],
  });
}

async function decided(core: Core) {
  const events = await chat(core, QUESTION);
  const { decision } = the(events, 'done').response;
  if (decision === null) throw new Error('nothing was decided');
  return { id: idOf(events), decision };
}

describe('feedback', () => {
  it('is kept with the decision that it is about, and given again takes the place of what was there', async () => {
    const core = await startCore();
    agreeing(core);
    const { id, decision } = await decided(core);
    await core.api.giveFeedback(id, { score: 0.5, comment: 'so so' }, callOf());
    const better = decision.candidates[1]?.message_id ?? '';
    const given = await core.api.giveFeedback(id, { better }, callOf());
    const log = await core.api.exportLog(id, callOf());
    const record = log.messages.at(-1);
    expect(given).toMatchObject({
      conversation_id: id,
      seq: record?.seq,
      hash: record?.hash,
      better,
      score: null,
    });
    expect(given.comment).toBeNull();
    const page = await core.api.listFeedback({ limit: 50 }, callOf({ principal: ADMIN }));
    expect(page).toMatchObject({ terms: ArbitrationTerms.parse({}), next_cursor: null });
    const { candidates, message_id, weights } = decision;
    expect(page.feedback).toMatchObject([
      { conversation_id: id, better, evidence: { candidates, message_id, weights, contradiction: 0 } },
    ]);
    // It is beside the log: that has the records it had, and verifies.
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ status: 'ok' });
    expect(await core.kit.metrics.text()).toMatch(/model_arbitration_feedback_total\{.*kind="better".*\} 1/);
  });

  it('is listed page by page, the newest first', async () => {
    const core = await startCore();
    agreeing(core);
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { id } = await decided(core);
      await core.api.giveFeedback(id, { score: 1 }, callOf());
      ids.push(id);
    }
    const seen: string[] = [];
    for (let cursor: string | undefined, pages = 0; pages < 5; pages++) {
      const page = await core.api.listFeedback({ limit: 1, cursor }, callOf({ principal: ADMIN }));
      seen.push(...page.feedback.map(({ conversation_id }) => conversation_id));
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect([...seen].sort()).toEqual([...ids].sort());
    const since = new Date(Date.now() + 60_000).toISOString();
    const none = await core.api.listFeedback({ limit: 50, since }, callOf({ principal: ADMIN }));
    expect(none.feedback).toEqual([]);
  });

  it('is refused where it makes no sense, in words that say what does', async () => {
    const core = await startCore();
    agreeing(core);
    const { id } = await decided(core);
    const give = (request: Parameters<Core['api']['giveFeedback']>[1], call = callOf()) =>
      failure(core.api.giveFeedback(id, request, call));
    expect(await give({ score: 1 }, callOf({ principal: BOB }))).toMatchObject({ code: 'not_found' });
    const root = { ...ADMIN };
    expect(await give({ score: 1 }, callOf({ principal: root }))).toMatchObject({ code: 'forbidden' });
    expect(await give({ better: id })).toMatchObject({ code: 'invalid_request', param: 'better' });
    expect(await give({ score: 1, step: 's99' })).toMatchObject({ code: 'invalid_request', param: 'step' });
    expect(await failure(core.api.listFeedback({ limit: 1 }, callOf()))).toMatchObject({ code: 'forbidden' });
  });
});

describe('the learner', () => {
  const env = (more: Record<string, string> = {}, learner: object = {}) => ({
    ARBITRATION_LEARNER_ENABLED: 'true',
    MCP_ARBITRATION: JSON.stringify({ learner: { min_feedback: 10, exploration: 0.01, ...learner } }),
    ...more,
  });

  it('is off unless it is switched on', async () => {
    const core = await startCore();
    agreeing(core);
    expect((await decided(core)).decision.learner).toBeUndefined();
  });

  it('records whose weights decided and how likely that was, and learns what another replica was told', async () => {
    const core = await startCore({ env: env() });
    agreeing(core);
    const first = await decided(core);
    expect(first.decision.learner).toMatchObject({ version: '1', lessons: 0 });
    expect(first.decision.learner?.propensity).toBeGreaterThan(0);
    await core.api.giveFeedback(first.id, { score: 1 }, callOf());
    const replica = await startReplica(core, { env: env() });
    agreeing(replica);
    const { id, decision } = await decided(replica);
    expect(decision.learner).toMatchObject({ lessons: 1 });
    expect(await replica.api.verifyConversation(id, callOf())).toMatchObject({ status: 'ok' });
    const later = new Date(Date.now() + 60_000).toISOString();
    const anew = await startReplica(core, { env: env({}, { since: later }) });
    agreeing(anew);
    expect((await decided(anew)).decision.learner).toMatchObject({ lessons: 0 });
  });

  it('in its shadow mode records what it would take, and the declared weights decide', async () => {
    const core = await startCore({ env: env({ ARBITRATION_LEARNER_SHADOW: 'true' }, { exploration: 0.5 }) });
    agreeing(core);
    const { decision } = await decided(core);
    expect(decision.learner).toMatchObject({ arm: 'declared', propensity: 1 });
    expect(decision.learner?.shadow).toBeDefined();
    expect(decision.weights).toEqual(ArbitrationTerms.parse({}).weights);
  });

  it('has no say where the whole arbitration is only watched', async () => {
    const core = await startCore({ env: env({ MODEL_ARBITRATION_SHADOW: 'true' }) });
    agreeing(core);
    expect((await decided(core)).decision.learner).toBeUndefined();
  });
});
