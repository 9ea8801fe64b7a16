/** Participants, steps, and logs of each version: what is in them, and what cannot be slipped in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CandidateScore,
  ChainVerdict,
  ChatEvent,
  ConversationLog,
  Decision,
  LogRecord,
  LogRecordV1,
  LogRecordV2,
  LogRecordV3,
  Participant,
  ParticipantId,
  PromptName,
  Step,
  StepId,
  Usage,
} from '../src/index.ts';
import { expectAccepted, expectRefused, withAt } from './support.ts';

const UUID = '6f1c2a9e-3a53-4b1b-9d0e-0c5a3a7a1f11';
const AT = '2026-11-28T10:00:00Z';
const HASH = 'a'.repeat(64);
const base = {
  seq: 0,
  content: 'c',
  at: AT,
  trace_id: 't',
  pii_tags: [],
  message_id: UUID,
  hash_prev: HASH,
  hash: HASH,
};
const v1 = { ...base, role: 'modelA' };
const v2 = { ...base, role: 'critic-1', step: 's1', kind: 'turn', parents: ['s0'], participant: 'critic-1' };
const v3 = { ...v2, salt: 'A'.repeat(22), key_id: UUID };
const head = { id: UUID, created_at: AT, owner: 'alice', mode: 'debate', head: HASH, mac: HASH };
const log1 = { ...head, version: 1, models: ['a', 'b'], messages: [v1] };
const log2 = {
  ...head,
  version: 2,
  models: ['a'],
  participants: [{ id: 'p', model: 'a', prompt: null }],
  messages: [v2],
};
const log3 = { ...log2, version: 3, messages: [v3] };
const decision = {
  chosen: 'modelA',
  message_id: UUID,
  reason: 'r',
  method: 'composite',
  divergence: 0.2,
  safety_delta: 0,
  weights: { semantic: 0.5, coherence: 0.3, safety: 0.2 },
  candidates: [],
  critique_turn: false,
  duration_ms: 1,
};

describe('the id of a participant', () => {
  it('is a name of 1 to 32 letters, digits, _ and -, which begins with no sign', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ maxLength: 40 }), fc.stringMatching(/^[A-Za-z0-9_-]{0,34}$/)),
        (id) => {
          const reserved = ['system', 'user', 'assistant', 'summary', 'decision'].includes(id);
          expect(ParticipantId.safeParse(id).success).toBe(
            /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(id) && !reserved,
          );
        },
      ),
    );
  });

  it.each(['system', 'user', 'assistant', 'summary', 'decision'])(
    'is not %s, which logs use, and that is said',
    (id) => {
      expectRefused(ParticipantId, id, `must not be ${id}: logs use that name. Choose another`);
      expectAccepted(ParticipantId, `${id}-1`);
    },
  );

  it.each(['a b', 'ä', 'a\n', '-a', '_a', '', 'a/b', '..', 'x'.repeat(33)])('is not %j', (id) => {
    expectRefused(ParticipantId, id, 'must be a name such as modelA');
  });
});

it.each([
  [
    'a prompt',
    PromptName,
    ['base_system', '0', 'a-b_c', 'x'.repeat(64)],
    ['', 'A', '../x', 'a.md', '_a', 'x'.repeat(65), 'a\n'],
  ],
  [
    'a step',
    StepId,
    ['s0', '3.critique-a_b', 'x'.repeat(64)],
    ['', 'S0', '.s', 'a/b', 'x'.repeat(65), 's\n'],
  ],
])('the name of %s', (_, schema, right, wrong) => {
  for (const name of right) expectAccepted(schema, name);
  for (const name of wrong) expect(schema.safeParse(name).success, JSON.stringify(name)).toBe(false);
});

it('a step names at most 2,000 others, and its kind', () => {
  const step = (parents: number, kind = 'turn') => ({ id: 's1', kind, parents: Array(parents).fill('s0') });
  for (const kind of ['system', 'question', 'turn', 'critique', 'summary', 'decision'])
    expectAccepted(Step, step(0, kind));
  expectAccepted(Step, step(2000));
  expectRefused(Step, step(2001), 'parents');
  expectRefused(Step, step(0, 'song'), 'kind');
  expectRefused(Step, { id: 's1', kind: 'turn' }, 'parents');
  expectRefused(Step, { ...step(0), participant: 'user' }, 'participant');
});

describe('a record', () => {
  it.each([
    ['seq', [0, 7], [-1, 0.5, '0']],
    ['at', [AT], ['yesterday', '2026-11-28', 0]],
    ['message_id', [UUID], ['x', '']],
    ['pii_tags', [[], ['email']], [null, 'email', [1]]],
    ['hash', [HASH], ['', 'A'.repeat(64), 'a'.repeat(63), `${HASH}0`, `${HASH}\n`]],
    ['hash_prev', [HASH], ['', 'g'.repeat(64), null]],
    ['content', ['', 'x'], [null, 1]],
  ])('of each version has a right %s', (field, right, wrong) => {
    for (const [schema, record] of [
      [LogRecordV1, v1],
      [LogRecordV2, v2],
      [LogRecordV3, v3],
    ] as const) {
      for (const value of right) expectAccepted(schema, { ...record, [field]: value });
      for (const value of [...wrong, undefined]) expectRefused(schema, { ...record, [field]: value }, field);
    }
  });

  it('keeps all that its hash covers: one of version 2 is never read as one of version 1', () => {
    const parents = fc.array(fc.constantFrom('s0', 's1', 's2'), { maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom('modelA', 'user', 'decision', 'critic'), parents, (role, named) => {
        const record = { ...v2, role, parents: named };
        expect(LogRecord.parse(record)).toEqual(record);
      }),
    );
    expect(LogRecord.parse(v1)).toEqual(v1);
    expect(LogRecord.parse(v3)).toEqual(v3);
  });

  it('of version 1 has the roles of that time alone', () => {
    for (const role of ['system', 'user', 'modelA', 'modelB', 'decision'])
      expectAccepted(LogRecordV1, { ...v1, role });
    for (const role of ['critic', 'summary', '']) expectRefused(LogRecordV1, { ...v1, role }, 'role');
  });

  it.each(['step', 'kind', 'parents'])('of version 2 has its %s', (field) => {
    expectRefused(LogRecordV2, { ...v2, [field]: undefined }, field);
  });
});

it.each([
  ['salt', ['', 'A'.repeat(21), `${'A'.repeat(21)}+`, undefined]],
  ['key_id', ['', 'x', undefined]],
])('a record of version 3 has its %s', (field, wrong) => {
  for (const value of wrong) expectRefused(LogRecordV3, { ...v3, [field]: value }, field);
});

describe('a log', () => {
  it('is read by its version', () => {
    expect(ConversationLog.parse(log1)).toEqual(log1);
    expect(ConversationLog.parse(log2)).toEqual(log2);
    expect(ConversationLog.parse(log3)).toEqual(log3);
    for (const version of [0, 4, '2', null, undefined])
      expectRefused(ConversationLog, { ...log2, version }, 'version');
  });

  it.each<[string, object, string]>([
    ['a third model in version 1', { ...log1, models: ['a', 'b', 'c'] }, 'models'],
    ['no model', { ...log1, models: [] }, 'models'],
    ['a record of another version', { ...log2, messages: [v1] }, 'messages.0.step'],
    ['a record of version 2 in version 3', { ...log3, messages: [v2] }, 'messages.0.salt'],
    ['nobody', { ...log2, participants: [] }, 'participants'],
    [
      'seventeen of them',
      {
        ...log2,
        participants: Array.from({ length: 17 }, (_, at) => ({ id: `p${at}`, model: 'a', prompt: null })),
      },
      'participants',
    ],
    [
      'a word beside what is hashed of a participant',
      withAt(log2, ['participants', 0, 'note'], 'x') as object,
      'note',
    ],
    [
      'a participant called user',
      withAt(log2, ['participants', 0, 'id'], 'user') as object,
      'participants.0.id',
    ],
    ['an id that is no UUID', { ...log2, id: '../x' }, 'id'],
  ])('does not have %s', (_, log, fault) => expectRefused(ConversationLog, log, fault));
});

describe('a decision', () => {
  it.each<[keyof typeof decision, readonly unknown[], readonly unknown[]]>([
    ['divergence', [0, 2, null], [-0.1, 2.1, undefined]],
    ['safety_delta', [0, 1, null], [-0.1, 1.1]],
    ['duration_ms', [0, 1.5], [-1]],
    ['method', ['composite', 'fastest-successful', 'only-candidate', 'disabled'], ['coin']],
    ['chosen', ['modelB', 'p8'], ['user', '']],
  ])('has a %s within its bounds', (field, right, wrong) => {
    for (const value of right) expectAccepted(Decision, { ...decision, [field]: value });
    for (const value of wrong) expectRefused(Decision, { ...decision, [field]: value }, field);
  });

  it('has scores from 0 to 1 of at most sixteen candidates', () => {
    const score = {
      role: 'modelA',
      model: 'm',
      message_id: UUID,
      semantic: 0,
      coherence: 1,
      safety: 0.5,
      composite: 1,
    };
    expectAccepted(Decision, { ...decision, candidates: Array(16).fill(score) });
    expectRefused(Decision, { ...decision, candidates: Array(17).fill(score) }, 'candidates');
    for (const field of ['semantic', 'coherence', 'safety', 'composite'])
      for (const value of [-0.01, 1.01, Number.NaN])
        expectRefused(CandidateScore, { ...score, [field]: value }, field);
  });
});

it('usage is whole and never negative', () => {
  fc.assert(
    fc.property(fc.double(), fc.double(), (input_tokens, output_tokens) => {
      const right = [input_tokens, output_tokens].every((value) => Number.isSafeInteger(value) && value >= 0);
      expect(Usage.safeParse({ input_tokens, output_tokens }).success).toBe(right);
    }),
  );
});

it('a participant and a verdict say null where there is nothing', () => {
  expectAccepted(Participant, { id: 'p', model: 'm', prompt: null });
  expectRefused(Participant, { id: 'p', model: 'm' }, 'prompt');
  expectAccepted(ChainVerdict, {
    id: 'x',
    ok: true,
    status: 'ok',
    records: 0,
    broken_at: null,
    reason: null,
    head: null,
  });
  expectRefused(
    ChainVerdict,
    { id: 'x', ok: true, status: 'fine', records: 0, broken_at: null, reason: null, head: null },
    'status',
  );
});

describe('an event of a conversation', () => {
  const step = { message_id: UUID, turn: 0, step: 's1', participant: 'p' };
  it.each<[string, object]>([
    ['message.start', { ...step, attempt: 1, role: 'p', model: 'm' }],
    ['delta', { ...step, text: '' }],
    [
      'message.end',
      {
        ...step,
        finish_reason: { unified: 'stop', raw: null },
        usage: { input_tokens: 1, output_tokens: 2 },
        content: 'c',
      },
    ],
    ['decision', { step: 's2', decision }],
    [
      'error',
      {
        code: 'overloaded',
        message: 'm',
        retryable: true,
        conversation_id: null,
        trace_id: null,
        retry_after_ms: null,
      },
    ],
  ])('%s has all of its fields', (type, fields) => {
    const event = { type, seq: 3, ...fields };
    expect(ChatEvent.parse(event)).toEqual(event);
    for (const field of ['seq', ...Object.keys(fields)])
      expectRefused(ChatEvent, { ...event, [field]: undefined }, field);
  });

  it('of another type is none', () => expectRefused(ChatEvent, { type: 'noise', seq: 0 }, 'type'));
});
