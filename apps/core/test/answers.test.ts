import { randomBytes, randomUUID } from 'node:crypto';
import { type KeepAnswerRequest, MAX_CHAIN_ANSWERS, MAX_CHAIN_BYTES } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ADMIN,
  BOB,
  type Core,
  callOf,
  chat,
  cleanUp,
  idOf,
  spoil,
  startCore,
  startReplica,
  tamper,
} from './harness.ts';

let core: Core;
beforeEach(async () => {
  core = await startCore();
});
afterEach(cleanUp);

const responseId = () => `resp_${randomBytes(24).toString('hex')}`;

/** A response to a question, with what was said before it. */
function response(change: Partial<KeepAnswerRequest> & { says?: string } = {}): KeepAnswerRequest {
  const { says = 'hi', ...rest } = change;
  return {
    id: responseId(),
    kind: 'response',
    model: 'alpha',
    previous_id: null,
    metadata: {},
    input: JSON.stringify([says]),
    output: JSON.stringify([`re: ${says}`]),
    body: '{}',
    log: {
      in: 'answers',
      earlier: [{ role: 'user', content: 'what was said before' }],
      record: {
        model: 'alpha',
        question: [{ role: 'user', content: says }],
        answer: `re: ${says}`,
        finish_reason: { unified: 'stop', raw: 'stop' },
        usage: { input_tokens: 1, output_tokens: 2 },
      },
    },
    ...rest,
  };
}

async function keep(
  request: KeepAnswerRequest,
  at = core,
  call = callOf(),
): Promise<[id: string, log: string]> {
  const { conversation_id } = await at.api.keepAnswer(request, call);
  return [request.id, conversation_id];
}

const saidIn = async (id: string) =>
  (await core.api.getConversation(id, callOf())).messages.map(({ content }) => content);
const verdictOf = async (id: string) => (await core.api.verifyConversation(id, callOf())).status;

describe('a chain of answers', () => {
  it('is recorded in one log that verifies, whichever replica keeps them', async () => {
    const replica = await startReplica(core);
    const [first, log] = await keep(response({ says: 'one' }));
    const [second, same] = await keep(response({ says: 'two', previous_id: first }), replica);
    expect(same).toBe(log);
    expect(await saidIn(log)).toEqual(['what was said before', 'one', 're: one', 'two', 're: two']);
    expect(await verdictOf(log)).toBe('ok');
    const chain = await replica.api.answerChain(second, callOf());
    expect(chain.map(({ input }) => input)).toEqual(['["one"]', '["two"]']);
  });

  it('has a log of its own where another has gone on before, at once or later', async () => {
    const [first, log] = await keep(response());
    const both = await Promise.all(['a', 'b'].map((says) => keep(response({ says, previous_id: first }))));
    const logs = both.map(([, one]) => one);
    expect(new Set([...logs, log]).size).toBe(2);
    const [later, other] = await keep(response({ says: 'c', previous_id: first }));
    expect([log, ...logs]).not.toContain(other);
    for (const one of new Set([...logs, other])) expect(await verdictOf(one)).toBe('ok');
    expect(await saidIn(other)).toEqual(['what was said before', 'c', 're: c']);
    expect(await core.api.answerChain(later, callOf())).toHaveLength(2);
  });

  it('leaves a log alone that does not verify', async () => {
    const [first, log] = await keep(response());
    await spoil(core, log);
    const [, other] = await keep(response({ previous_id: first }));
    expect(other).not.toBe(log);
    expect(await verdictOf(log)).toBe('broken');
    expect(await verdictOf(other)).toBe('ok');
  });

  it('is of its owner alone, and ends where one of it was deleted', async () => {
    const [first] = await keep(response());
    const [second] = await keep(response({ previous_id: first }));
    for (const principal of [BOB, ADMIN])
      expect(await failure(core.api.answerChain(second, callOf({ principal })))).toMatchObject({
        code: 'not_found',
      });
    await core.api.deleteAnswer(first, callOf());
    expect(await failure(core.api.answerChain(second, callOf()))).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('builds on one that was deleted'),
    });
    expect(await core.api.getAnswer(second, callOf())).toMatchObject({ id: second, previous_id: first });
  });

  it.each([
    ['depth', MAX_CHAIN_ANSWERS],
    ['chain_bytes', MAX_CHAIN_BYTES + 1],
  ])('has a bound of %s', async (column, most) => {
    const [first] = await keep(response());
    await tamper(core, `update stored_answers set ${column} = ${most} where id = '${first}'`);
    expect(await failure(core.api.answerChain(first, callOf()))).toMatchObject({
      code: 'context_length_exceeded',
      param: 'previous_response_id',
    });
  });
});

describe('a stored answer', () => {
  it('is given back as it was kept, to its owner alone, until it is deleted', async () => {
    const request = response({ metadata: { a: 'b' }, body: '{"\\u0000":"é"}' });
    const [id, conversation_id] = await keep(request);
    const { log: _, ...kept } = request;
    expect(await core.api.getAnswer(id, callOf())).toEqual({
      ...kept,
      conversation_id,
      created_at: expect.stringMatching(/Z$/),
    });
    const others = callOf({ principal: BOB });
    for (const attempt of [
      () => core.api.getAnswer(id, others),
      () => core.api.updateAnswer(id, { metadata: {} }, others),
      () => core.api.deleteAnswer(id, others),
    ])
      expect(await failure(attempt())).toMatchObject({ code: 'not_found' });
    expect(await core.api.findAnswers({ ids: [id, responseId()] }, others)).toEqual([]);
    expect(await core.api.findAnswers({ ids: [id, responseId()] }, callOf())).toMatchObject([{ id }]);
    await core.api.deleteAnswer(id, callOf());
    expect(await failure(core.api.getAnswer(id, callOf()))).toMatchObject({ code: 'not_found' });
    expect(await verdictOf(conversation_id)).toBe('ok');
  });

  it('of a conversation has no log of its own', async () => {
    const conversation_id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    const [first, log] = await keep(response({ log: { in: 'conversation', conversation_id } }));
    expect(log).toBe(conversation_id);
    const [, own] = await keep(response({ previous_id: first }));
    expect(await saidIn(own)).toEqual(['what was said before', 'hi', 're: hi']);
  });

  it('is forgotten when it is too old', async () => {
    const [old] = await keep(response({ metadata: { a: 'b' } }));
    const [young] = await keep(response());
    const past = new Date(Date.now() - 31 * 86_400_000).toISOString();
    await tamper(core, `update stored_answers set created_at = '${past}' where id = '${old}'`);
    // A sweep comes with every start.
    await startReplica(core);
    await expect
      .poll(() => core.api.findAnswers({ ids: [old, young] }, callOf()))
      .toMatchObject([{ id: young }]);
  });

  it('is listed once, by when it was kept, whatever the page', async () => {
    const made: string[] = [];
    for (let i = 0; i < 9; i++) {
      const metadata = { parity: String(i % 2), 'a "key"': "it's" };
      const change = { id: `chatcmpl-${i}-${randomUUID()}`, kind: 'chat.completion' as const, metadata };
      const [id] = await keep(response({ ...change, model: i < 3 ? 'alpha' : 'beta' }));
      made.push(id);
    }
    await keep(response());
    await keep(
      response({ id: `chatcmpl-${randomUUID()}`, kind: 'chat.completion' }),
      core,
      callOf({ principal: BOB }),
    );
    // Of one time, as two of one millisecond are.
    await tamper(
      core,
      `update stored_answers set created_at = '2099-01-01T00:00:00.000Z' where id like 'chatcmpl-%'`,
    );
    const walk = async (query: {
      limit: number;
      order: 'asc' | 'desc';
      model?: string;
      metadata?: object;
    }) => {
      const ids: string[] = [];
      for (let more = true; more; ) {
        const after = ids.at(-1);
        const page = await core.api.listAnswers(
          {
            kind: 'chat.completion',
            metadata: {},
            ...query,
            ...(after === undefined ? {} : { after }),
          } as never,
          callOf(),
        );
        expect(page.answers.length).toBeLessThanOrEqual(query.limit);
        ids.push(...page.answers.map(({ id }) => id));
        more = page.has_more;
      }
      return ids;
    };
    for (const limit of [1, 4, 9, 100]) {
      expect(await walk({ limit, order: 'asc' })).toEqual(made);
      expect(await walk({ limit, order: 'desc' })).toEqual(made.toReversed());
    }
    expect(await walk({ limit: 2, order: 'asc', model: 'alpha' })).toEqual(made.slice(0, 3));
    const odd = { parity: '1', 'a "key"': "it's" };
    expect(await walk({ limit: 2, order: 'asc', metadata: odd })).toEqual(made.filter((_, i) => i % 2 === 1));
    expect(await walk({ limit: 2, order: 'asc', metadata: { parity: '2' } })).toEqual([]);
    const [first = ''] = made;
    await core.api.updateAnswer(first, { metadata: { parity: '1' } }, callOf());
    expect(await walk({ limit: 2, order: 'asc', metadata: { parity: '1' } })).toContain(first);
  });
});
