import type { ChatEvent, ChatRequest, Principal } from '@mcp/contracts';
import { callerHeaders, failure } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { ALICE, BOB, type Core, callOf, chat, cleanUp, idOf, startCore, the } from './harness.ts';

afterEach(cleanUp);

const TALK: ChatRequest = { message: 'Talk.', exchanges: 1, on_disconnect: 'continue' };
/** What docs/conversation.md promises. */
const ALLOWED = 32;

/** Models that say their first words, and the rest when they are let. */
function holdModels(core: Core): { release(): void } {
  const gate = Promise.withResolvers<void>();
  const generate = core.models.generate.bind(core.models);
  core.models.generate = async function* (request, call) {
    for await (const event of generate(request, call)) {
      if (event.type === 'finish') await Promise.race([gate.promise, aborted(call.signal)]);
      yield event;
    }
  };
  return { release: () => gate.resolve() };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const leave = () => reject(signal.reason as Error);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}

/** Begins a conversation and hears its first words; then it can be left. */
async function begin(
  core: Core,
  request: ChatRequest = TALK,
  principal: Principal = ALICE,
): Promise<{ id: string; leave(): Promise<void> }> {
  const connection = new AbortController();
  const call = callOf({ principal, signal: connection.signal, deadline_ms: Date.now() + 120_000 });
  const events = core.api.chat(request, call)[Symbol.asyncIterator]();
  const seen: ChatEvent[] = [];
  while (seen.at(-1)?.type !== 'delta') {
    const next = await events.next();
    if (next.done === true) throw new Error('it ended before its first words');
    seen.push(next.value);
  }
  return {
    id: idOf(seen),
    async leave() {
      connection.abort();
      await events.return?.();
    },
  };
}

const begun = (core: Core, count: number) => Promise.all(Array.from({ length: count }, () => begin(core)));
const statusOf = async (core: Core, id: string) => (await core.api.getConversation(id, callOf())).status;
const statuses = (core: Core, all: readonly { id: string }[]) =>
  Promise.all(all.map(({ id }) => statusOf(core, id)));

describe('conversations that go on without a connection', () => {
  it('are 32 of one caller: the next is refused with 429, and the 32 come to their ends', async () => {
    const core = await startCore();
    const models = holdModels(core);
    const all = await begun(core, ALLOWED);
    for (const one of all) await one.leave();

    const refused = await core.app.request('/internal/chat', {
      method: 'POST',
      headers: { ...(await callerHeaders('gateway', 'core', ALICE)), 'content-type': 'application/json' },
      body: JSON.stringify(TALK),
    });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({
      code: 'rate_limited',
      detail:
        '32 conversations of yours go on without a connection already. Wait for one to end, or cancel one.',
    });

    // Only what would go on alone is refused, and only to the one who has so many.
    const cancels = await begin(core, { ...TALK, on_disconnect: 'cancel' });
    await cancels.leave();
    const bobs = await begin(core, TALK, BOB);
    await bobs.leave();
    expect(await statusOf(core, cancels.id)).toBe('cancelled');
    expect(await statuses(core, all)).toEqual(Array<string>(ALLOWED).fill('running'));

    models.release();
    for (const { id } of all) await expect.poll(() => statusOf(core, id)).toBe('completed');
    const heard = await begin(core);
    await heard.leave();
    await expect.poll(() => statusOf(core, heard.id)).toBe('completed');
  });

  it('make room by being cancelled', async () => {
    const core = await startCore();
    holdModels(core);
    const all = await begun(core, ALLOWED);
    for (const one of all) await one.leave();
    expect(await failure(core.api.chat(TALK, callOf()))).toMatchObject({ code: 'rate_limited' });
    await core.api.cancelConversation(all[0]?.id ?? '', callOf());
    await expect.poll(() => statusOf(core, all[0]?.id ?? '')).toBe('cancelled');
    const next = await begin(core);
    await next.leave();
    expect(await statuses(core, [...all.slice(1), next])).toEqual(Array<string>(ALLOWED).fill('running'));
  });

  it('stay 32 when more lose their connections at once: the rest are cancelled, and nothing is lost', async () => {
    const core = await startCore();
    const models = holdModels(core);
    const all = await begun(core, ALLOWED + 3);
    for (const one of all) await one.leave();
    const over = all.slice(ALLOWED);
    for (const { id } of over) await expect.poll(() => statusOf(core, id)).toBe('cancelled');
    expect(await statuses(core, all.slice(0, ALLOWED))).toEqual(Array<string>(ALLOWED).fill('running'));

    models.release();
    for (const { id } of all.slice(0, ALLOWED)) await expect.poll(() => statusOf(core, id)).toBe('completed');
    for (const { id } of over) {
      const { messages } = await core.api.getConversation(id, callOf());
      expect(messages.at(-1)).toMatchObject({
        role: 'modelA',
        content: expect.stringMatching(/^alpha says number \d+\.$/),
        finish_reason: { unified: 'cancelled' },
      });
      const rest = await chat(core, { conversation_id: id });
      expect(the(rest, 'done').response).toMatchObject({ status: 'completed', messages: { length: 1 } });
      expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ ok: true });
    }
  });
});
