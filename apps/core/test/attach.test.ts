import type { ChatEvent, ChatRequest } from '@mcp/contracts';
import { failure, type NatsServer, startNats } from '@mcp/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BOB, type Core, callOf, chat, cleanUp, idOf, startCore, tempDir, the } from './harness.ts';
import { ScriptedModels } from './scripted-models.ts';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterEach(cleanUp);
afterAll(() => nats.close());

/** Two replicas on one store and one bus. */
async function pair(): Promise<[Core, Core]> {
  const dir = tempDir();
  const models = new ScriptedModels();
  const env = { MCP_NATS_URL: nats.url };
  const two = await startCore({ dir, models, env });
  const one = await startCore({ dir, models, env });
  for (const { kit } of [one, two]) {
    const bus = await kit.bus();
    await expect
      .poll(() =>
        bus.manager.streams.info('MCP_EVENTS').then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  }
  return [one, two];
}

const all = async (events: AsyncIterable<ChatEvent>): Promise<ChatEvent[]> => {
  const out: ChatEvent[] = [];
  for await (const event of events) out.push(event);
  return out;
};

/** Begins a conversation and leaves it after its first words; its id and what was seen. */
async function leave(core: Core, request: ChatRequest): Promise<{ id: string; seen: ChatEvent[] }> {
  const left = new AbortController();
  const seen: ChatEvent[] = [];
  for await (const event of core.api.chat(request, callOf({ signal: left.signal }))) {
    seen.push(event);
    if (event.type === 'delta') break;
  }
  left.abort();
  return { id: idOf(seen), seen };
}

/** A model that says some words a turn, slowly enough to be left in the middle. */
function slow(core: Core, words = 12): void {
  core.models.script = (_, n) => ({
    pieces: Array.from({ length: words }, (_unused, at) => `w${n}.${at} `),
    pause_ms: 25,
  });
}

const CONTINUE = { message: 'Talk.', exchanges: 2, on_disconnect: 'continue' } as const;

describe('a conversation whose connection goes', () => {
  it('is cancelled unless it was asked to go on', async () => {
    const [one] = await pair();
    slow(one, 1000);
    const { id } = await leave(one, { message: 'Talk.' });
    expect(await one.api.getConversation(id, callOf())).toMatchObject({ status: 'cancelled' });
  });

  it('goes on to its end when it was, and another replica tells what was missed and what comes', async () => {
    const [one, two] = await pair();
    slow(one);
    const { id, seen } = await leave(one, CONTINUE);
    const after = seen.at(-1)?.seq ?? -1;
    const rest = await all(two.api.events(id, { after }, callOf()));
    expect(rest.map(({ seq }) => seq)).toEqual(rest.map((_, at) => after + 1 + at));
    expect(the(rest, 'done').response).toMatchObject({ status: 'completed', messages: { length: 2 } });
    const said = [...seen, ...rest].flatMap((event) => (event.type === 'delta' ? [event.text] : []));
    expect(said.join('')).toBe(
      the(rest, 'done')
        .response.messages.map(({ content }) => content)
        .join(''),
    );
    expect(await two.api.getConversation(id, callOf())).toMatchObject({ status: 'completed', turns: 2 });
    expect(await two.api.verifyConversation(id, callOf())).toMatchObject({ ok: true });
  });

  it('is replayed from its beginning to whoever has seen nothing, as often as asked', async () => {
    const [one, two] = await pair();
    slow(one);
    const begun = chat(one, { message: 'Talk.', exchanges: 2 });
    await expect.poll(() => one.models.asked.length).toBe(1);
    const { conversations } = await one.api.listConversations({ limit: 1 }, callOf());
    const id = conversations[0]?.id ?? '';
    const followers = [0, 1].map(() => all(two.api.events(id, { after: -1 }, callOf())));
    const events = await begun;
    for (const follower of followers) expect(await follower).toEqual(events);
    expect(await all(one.api.events(id, { after: -1 }, callOf()))).toEqual(events);
    const last = events.at(-1)?.seq ?? 0;
    expect(await all(two.api.events(id, { after: last }, callOf()))).toEqual([]);
    expect(await failure(two.api.events(id, { after: -1 }, callOf({ principal: BOB })))).toMatchObject({
      code: 'not_found',
    });
  });

  it('is cancelled from another replica by its owner only', async () => {
    const [one, two] = await pair();
    slow(one, 5000);
    const { id } = await leave(one, CONTINUE);
    const rest = all(two.api.events(id, { after: -1 }, callOf()));
    expect(await failure(two.api.cancelConversation(id, callOf({ principal: BOB })))).toMatchObject({
      code: 'not_found',
    });
    expect(await two.api.cancelConversation(id, callOf())).toMatchObject({ id, status: 'cancelled' });
    expect(the(await rest, 'done').response).toMatchObject({ status: 'cancelled' });
    expect(await failure(two.api.cancelConversation(id, callOf()))).toMatchObject({ code: 'conflict' });
  });

  it('keeps its deadline', async () => {
    const [one, two] = await pair();
    slow(one, 5000);
    const left = new AbortController();
    const seen: ChatEvent[] = [];
    const call = callOf({ signal: left.signal, deadline_ms: Date.now() + 3000 });
    for await (const event of one.api.chat(CONTINUE, call)) {
      seen.push(event);
      if (event.type === 'delta') break;
    }
    left.abort();
    const rest = await all(two.api.events(idOf(seen), { after: -1 }, callOf()));
    expect(rest.at(-1)).toMatchObject({ type: 'error', code: 'deadline_exceeded' });
    expect(await two.api.getConversation(idOf(seen), callOf())).toMatchObject({ status: 'interrupted' });
  });

  it('has numbers that rise over its runs', async () => {
    const [one, two] = await pair();
    const first = await chat(one, { message: 'Hello.', exchanges: 1 });
    const id = idOf(first);
    const second = await chat(two, { conversation_id: id, message: 'And now?', exchanges: 1 });
    const last = first.at(-1)?.seq ?? 0;
    expect(second[0]?.seq).toBeGreaterThan(last);
    expect(await all(one.api.events(id, { after: last }, callOf()))).toEqual(second);
  });
});

describe('what the log of events does not hold any more', () => {
  const rebuilt = [
    'start',
    'message.start',
    'message.end',
    'message.start',
    'message.end',
    'decision',
    'done',
  ];

  it('is rebuilt from the records, once', async () => {
    const [one, two] = await pair();
    const events = await chat(one, { message: 'Talk.', exchanges: 2 });
    const id = idOf(events);
    // Its last event reaches the log a moment after the caller.
    expect(await all(two.api.events(id, { after: -1 }, callOf()))).toEqual(events);
    await (await one.kit.bus()).manager.streams.purge('MCP_EVENTS');
    const again = await all(two.api.events(id, { after: events.at(-1)?.seq ?? 0 }, callOf()));
    expect(again.map(({ type }) => type)).toEqual(rebuilt);
    expect(the(again, 'done').response).toEqual(the(events, 'done').response);
    expect(await all(two.api.events(id, { after: again.at(-1)?.seq ?? 0 }, callOf()))).toEqual([]);
    const next = await chat(two, { conversation_id: id, message: 'And now?', exchanges: 1 });
    expect(next[0]?.seq).toBeGreaterThan(again.at(-1)?.seq ?? 0);
  });

  it('is so while the bus is away, too, and a lost end does not hold a follower for ever', async () => {
    const own = await startNats();
    const core = await startCore({ env: { MCP_NATS_URL: own.url } });
    const bus = await core.kit.bus();
    slow(core);
    const { id } = await leave(core, CONTINUE);
    const followed = all(core.api.events(id, { after: -1 }, callOf()));
    await own.close();
    await expect.poll(() => bus.connected).toBe(false);
    const events = await followed;
    expect(the(events, 'done').response).toMatchObject({ status: 'completed', messages: { length: 2 } });
    expect((await all(core.api.events(id, { after: -1 }, callOf()))).map(({ type }) => type)).toEqual(
      rebuilt,
    );
  });
});
