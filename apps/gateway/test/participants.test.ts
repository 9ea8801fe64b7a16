/** Conversations of one, two and three participants, by each of the ways in which a client may hold them. */
import { ChatEvent, ChatResponse, ConversationLog, LogRecordV3 } from '@mcp/contracts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { forget, type Platform, type Shared, shared, startPlatform } from './support.ts';

let place: Shared;
let platform: Platform;

beforeAll(async () => {
  place = await shared();
  platform = await startPlatform('in one process', place);
  await vi.waitFor(async () => expect((await platform.ask('/v1/models')).status).toBe(200), 60_000);
});
afterAll(async () => {
  await platform.close();
  await forget(place);
});

type Body = Readonly<Record<string, unknown>>;

async function byJson(body: Body): Promise<ChatResponse> {
  const answer = await platform.ask('/chat', body);
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  return ChatResponse.parse(JSON.parse(text));
}

async function byStream(body: Body): Promise<ChatResponse> {
  const answer = await platform.ask('/chat', { ...body, stream: true });
  const data = (await answer.text()).match(/^data: .*$/gm) ?? [];
  return ended(data.map((line) => line.slice('data: '.length)));
}

async function bySocket(body: Body): Promise<ChatResponse> {
  const address = `${platform.url.replace('http', 'ws')}/ws`;
  const socket = new WebSocket(address, ['mcp', `mcp-key.${place.admin}`]);
  const frames: string[] = [];
  const whole = new Promise<void>((done) => {
    socket.on('message', (data) => {
      frames.push(String(data));
      if (/"type":"(done|error)"/.test(String(data))) done();
    });
  });
  await new Promise((done) => socket.on('open', done));
  socket.send(JSON.stringify({ type: 'start', request: body }));
  await whole;
  socket.close();
  return ended(frames);
}

/** Holds the events to one another, and returns what the last of them says. */
function ended(texts: readonly string[]): ChatResponse {
  const events = texts.map((text) => ChatEvent.parse(JSON.parse(text)));
  const last = events.at(-1);
  if (last?.type !== 'done') throw new Error(`it ended with ${texts.at(-1)}`);
  const { response } = last;
  const [start] = events;
  expect(start).toMatchObject({
    type: 'start',
    participants: response.participants,
    models: response.models,
  });
  for (const { message_id, step, participant, turn } of response.messages) {
    const own = events.flatMap((event) =>
      'message_id' in event && event.message_id === message_id ? [event] : [],
    );
    expect(own.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['message.start', 'delta', 'message.end']),
    );
    for (const event of own) expect(event).toMatchObject({ step, participant, turn });
  }
  return response;
}

const QUESTION = { message: 'Why is the sky blue?' };
const model = (name: string) => `scripted/${name}`;
// [what it is, request, participants and their models, who takes the turns, how it is decided]
const CASES: readonly (readonly [string, Body, readonly [string, string][], readonly string[], string])[] = [
  ['one', { participants: [{ model: model('alpha') }] }, [['modelA', 'alpha']], ['modelA'], 'only-candidate'],
  [
    'one that goes over its answer',
    { participants: [{ id: 'thinker', model: model('alpha'), prompt: 'nuclear_mode' }], exchanges: 3 },
    [['thinker', 'alpha']],
    ['thinker', 'thinker', 'thinker'],
    'only-candidate',
  ],
  [
    'two, in short',
    { modelA: model('alpha'), modelB: model('beta'), promptB: 'base_system' },
    [
      ['modelA', 'alpha'],
      ['modelB', 'beta'],
    ],
    ['modelA', 'modelB'],
    'composite',
  ],
  [
    'two, in full',
    { participants: [{ model: model('alpha') }, { model: model('beta') }], exchanges: 4 },
    [
      ['modelA', 'alpha'],
      ['modelB', 'beta'],
    ],
    ['modelA', 'modelB', 'modelA', 'modelB'],
    'composite',
  ],
  [
    'three',
    {
      mode: 'answer',
      participants: [
        { id: 'writer', model: model('alpha') },
        { model: model('beta') },
        { id: 'critic-1', model: model('echo'), prompt: 'critic_mode' },
      ],
      exchanges: 4,
    },
    [
      ['writer', 'alpha'],
      ['modelA', 'beta'],
      ['critic-1', 'echo'],
    ],
    ['writer', 'modelA', 'critic-1', 'writer'],
    'composite',
  ],
];

describe.each([
  ['JSON', byJson],
  ['server-sent events', byStream],
  ['a WebSocket', bySocket],
] as const)('over %s', (_, hold) => {
  test.each(CASES)('a conversation of %s', async (_name, body, who, turns, method) => {
    const response = await hold({ ...QUESTION, ...body });
    expect(response.status).toBe('completed');
    expect(response.participants.map(({ id, model: of }) => [id, of])).toEqual(
      who.map(([id, of]) => [id, model(of)]),
    );
    expect(response.models).toEqual(who.map(([, of]) => model(of)));
    const extra = response.messages.slice(turns.length).map(({ role }) => role);
    expect(extra.length > 0).toBe(response.decision?.critique_turn);
    expect(response.messages.map(({ role }) => role)).toEqual([...turns, ...extra]);
    expect(response.messages.map(({ participant }) => participant)).toEqual([...turns, ...extra]);
    const scored = [...who, ...who.flatMap((one) => extra.filter((id) => id === one[0]).map(() => one))];
    expect(response.decision).toMatchObject({
      method,
      candidates: scored
        .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([role, of]) => ({ role, model: model(of) })),
    });
    expect(who.map(([id]) => id)).toContain(response.decision?.chosen);

    const verdict = await platform.ask(`/v1/conversations/${response.id}/verify`, {});
    expect(await verdict.json()).toMatchObject({ status: 'ok' });
    const log = ConversationLog.parse(
      await (await platform.ask(`/v1/conversations/${response.id}/log`)).json(),
    );
    expect(log).toMatchObject({ version: 3, participants: response.participants });
    const records = z.array(LogRecordV3).parse(log.messages);
    const question = records.find(({ kind }) => kind === 'question');
    for (const record of records.filter(({ kind }) => kind === 'turn')) {
      const own = records.find(
        ({ kind, participant }) => kind === 'system' && participant === record.participant,
      );
      expect(record.parents).toEqual(expect.arrayContaining([own?.step, question?.step]));
    }
    expect(records.at(-1)).toMatchObject({
      kind: 'decision',
      parents: expect.arrayContaining([response.messages.at(-1)?.step]),
    });
  });
});

test.each([
  ['both forms', { modelA: 'a', participants: [{}] }, /participants: cannot be given together with modelA/],
  ['nobody', { participants: [] }, /participants/],
  ['nine', { participants: Array(9).fill({}) }, /participants/],
  ['one id twice', { participants: [{ id: 'a' }, { id: 'a' }] }, /participants: has the id a twice/],
  ['a name of the log', { participants: [{ id: 'user' }] }, /participants.0.id: must not be user/],
  ['a name with a space', { participants: [{ id: 'a b' }] }, /participants.0.id: must be a name/],
  ['an unknown field', { participants: [{ role: 'a' }] }, /participants/],
  [
    'an unknown prompt',
    { participants: [{ prompt: 'nobody' }] },
    /participants.0.prompt: there is no prompt/,
  ],
])('%s is refused with 400, and why', async (_, body, reason) => {
  const answer = await platform.ask('/chat', { ...QUESTION, ...body });
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as { detail: string }).detail).toMatch(reason);
});

test('a model that is not there is named by its field, and a conversation keeps its participants', async () => {
  const missing = await platform.ask('/chat', { ...QUESTION, participants: [{}, { model: 'nobody' }] });
  expect(missing.status).toBe(404);
  expect(((await missing.json()) as { detail: string }).detail).toMatch(
    /^participants.1.model: there is no chat/,
  );
  const { id } = await byJson({ ...QUESTION, participants: [{}] });
  const changed = await platform.ask('/chat', {
    conversation_id: id,
    message: 'On?',
    participants: [{}, {}],
  });
  expect(changed.status).toBe(400);
  const on = await byJson({ conversation_id: id, message: 'On?', exchanges: 2 });
  expect(on.messages.map(({ role }) => role)).toEqual(['modelA', 'modelA']);
});
