/** What is asked and answered without personal data, in whatever format and pieces it comes. */
import { type ModelEvent, type PiiAction, PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapTexts } from '../src/pii/body.ts';
import { PiiPolicy, piiActionOf, piiRouteOf } from '../src/pii/policy.ts';
import { PiiSession } from '../src/pii/session.ts';

const MAIL = 'ada.lovelace@example.org';
const CARD = '4111 1111 1111 1111';

const sessionOf = (action: PiiAction, policy: object = {}) =>
  new PiiSession({ action, policy: PiiPolicy.parse(policy) });

function refusalOf(work: () => unknown): PlatformError {
  try {
    work();
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
  throw new Error('it was let through');
}

describe('the policy', () => {
  it.each([
    [{}, false, 'tag'],
    [{ action: 'off' }, true, 'off'],
    [{ action: 'redact', routes: { '/chat': 'tag' } }, false, 'tag'],
    [{ third_party: 'redact' }, false, 'tag'],
    [{ third_party: 'redact' }, true, 'redact'],
    [{ action: 'block', third_party: 'tokenize' }, true, 'block'],
    [{ routes: { '/chat': 'off' }, third_party: 'tag' }, true, 'tag'],
  ])('%j on /chat, leaving: %j, comes to %s', (policy, leaves, action) => {
    expect(piiActionOf(PiiPolicy.parse(policy), { route: '/chat', leaves })).toBe(action);
  });

  it('knows the routes that texts come in by', () => {
    expect(piiRouteOf('/v1/messages/count_tokens')).toBe('/v1/messages');
    expect(piiRouteOf('/chat')).toBe('/chat');
    expect(piiRouteOf('/chatter')).toBeUndefined();
    expect(piiRouteOf('/v1/models')).toBeUndefined();
  });
});

/** One request of each format, all with the same values in every place that texts stand in. */
const BODIES = {
  chat: {
    model: 'm',
    user: MAIL,
    metadata: { who: MAIL },
    messages: [
      { role: 'system', content: `The operator is ${MAIL}.` },
      { role: 'user', name: 'ada', content: [{ type: 'text', text: `Write to ${MAIL} and ${CARD}` }] },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'mail', arguments: `{"to":"${MAIL}","card":4111111111111111}` },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: `{"from":"${MAIL}","card":4111111111111111}` },
    ],
    tools: [{ type: 'function', function: { name: 'mail', description: `Mails ${MAIL}` } }],
  },
  responses: {
    model: 'm',
    instructions: `The operator is ${MAIL}.`,
    input: [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: `Write to ${MAIL}` }] },
      { type: 'function_call', call_id: 'c', name: 'mail', arguments: `{"to":"${MAIL}"}` },
      { type: 'function_call_output', call_id: 'c', output: `sent to ${MAIL}` },
    ],
  },
  messages: {
    model: 'm',
    system: [{ type: 'text', text: `The operator is ${MAIL}.` }],
    metadata: { user_id: MAIL },
    messages: [
      { role: 'user', content: `Write to ${MAIL}` },
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 't', name: 'mail', input: { name: MAIL, card: 4111111111111111 } }],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: `sent to ${MAIL}` }] },
    ],
  },
  embeddings: { model: 'm', input: [`Write to ${MAIL}`, `or ${CARD}`] },
} as const;

describe.each(Object.entries(BODIES))('a request of %s', (_, body) => {
  it('is asked without personal data, the same value by the same name everywhere', () => {
    const asked = JSON.stringify(sessionOf('redact').asked(body));
    expect(asked).not.toContain(MAIL);
    expect(asked).not.toMatch(/4111/);
    expect(new Set(asked.match(/<EMAIL_\d+>/g))).toEqual(new Set(['<EMAIL_1>']));
  });

  it('keeps its form, its ids and the names of its tools', () => {
    const asked: unknown = sessionOf('redact').asked(body);
    const shapeOf = (of: unknown) => JSON.stringify(mapTexts(of, (_, { json }) => (json ? '{}' : '')));
    expect(shapeOf(asked)).toBe(shapeOf(body));
  });

  it('has valid JSON where it had JSON', () => {
    const texts: string[] = [];
    mapTexts(sessionOf('redact').asked(body), (text) => {
      texts.push(text);
      return text;
    });
    for (const text of texts.filter((one) => one.startsWith('{')))
      expect(() => JSON.parse(text)).not.toThrow();
  });

  it('is refused with kinds and places, and without the values, where it is blocked', () => {
    const error = refusalOf(() => sessionOf('block').asked(body));
    expect(error).toMatchObject({ code: 'content_filter', status: 400 });
    expect(error.message).toMatch(/(messages|input|system|instructions)[.\w]* \(email/);
    expect(error.message).not.toContain(MAIL);
    expect(error.message).not.toContain('4111');
  });
});

describe('what is asked', () => {
  it('goes on with the names that the conversation has', () => {
    const asked = sessionOf('redact').asked({
      messages: [
        { role: 'user', content: `I am ${MAIL}.` },
        { role: 'assistant', content: 'Hello <EMAIL_1>. Ask <EMAIL_2> as well.' },
        { role: 'user', content: `What of grace@example.org, and ${MAIL}?` },
      ],
    });
    expect(asked.messages[0]?.content).toBe('I am <EMAIL_1>.');
    expect(asked.messages[2]?.content).toBe('What of <EMAIL_3>, and <EMAIL_1>?');
  });

  it('lets pass what is nobody’s, and kinds that are not looked for', () => {
    const body = { input: `Write to help@example.org or ${MAIL}` };
    expect(sessionOf('redact', { allow: ['Help@example.org'] }).asked(body).input).toBe(
      'Write to help@example.org or <EMAIL_1>',
    );
    expect(sessionOf('block', { kinds: ['iban'] }).asked(body)).toEqual(body);
  });

  it.each([
    ['zero-width characters', 'write to ada\u200b.love\u200dlace@exam\u2060ple.org today'],
    ['full-width digits', 'my card is ４１１１ １１１１ １１１１ １１１１ today'],
    ['look-alikes', 'write to аdа.lovelаce@exаmple.org today'],
    ['escapes of JSON', '{"to":"ada\\u002elovelace\\u0040example.org"}'],
  ])('is not deceived by %s', (_, text) => {
    const { input } = sessionOf('redact').asked({ input: text });
    expect(input).toMatch(/<(EMAIL|CREDIT_CARD)_1>/);
    expect(input).not.toMatch(/example|l\u0430ce|１１/);
  });
});

const kinds = fc.constantFrom<'text' | 'reasoning' | 'tool_call'>('text', 'reasoning', 'tool_call');

/** A text in pieces of some lengths, as what a model says. */
async function* spoken(
  text: string,
  lengths: readonly number[],
  type: 'text' | 'reasoning' | 'tool_call',
): AsyncGenerator<ModelEvent> {
  yield { type: 'start', id: 'x', model: 'm', backend: 'b', created_s: 0 };
  let from = 0;
  for (let i = 0; from < text.length; i++) {
    const piece = text.slice(from, from + (lengths[i % lengths.length] ?? 1));
    from += piece.length;
    const first = i === 0 ? { id: 'call_1', name: 'mail' } : {};
    yield type === 'tool_call'
      ? { type, choice: 0, index: 0, ...first, arguments_delta: piece }
      : { type, choice: 0, text: piece };
  }
  yield { type: 'finish', choice: 0, reason: { unified: 'stop', raw: null } };
}

async function heard(events: AsyncIterable<ModelEvent>): Promise<{ said: string; finish: string }> {
  let said = '';
  let finish = '';
  for await (const event of events) {
    if (event.type === 'finish') finish = event.reason.unified;
    else if (event.type === 'tool_call') said += event.arguments_delta;
    else if ('text' in event) said += event.text;
  }
  return { said, finish };
}

describe('what is answered in pieces', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 });
  const ANSWER = `{"to":"${MAIL}","note":"call +49 30 901820 or pay ${CARD} now"}`;

  it('is blocked before any of it is told', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, kinds, async (pieces, type) => {
        const { said, finish } = await heard(
          sessionOf('block').events(spoken(ANSWER, pieces, type), { json: true }),
        );
        expect(finish).toBe('content_filter');
        expect(said).not.toContain('ada');
      }),
      { numRuns: 100 },
    );
  });

  it('has the values again whose names the model was shown, however they were split', async () => {
    const session = sessionOf('tokenize');
    const { input } = session.asked({ input: ANSWER });
    expect(input).not.toContain(MAIL);
    await fc.assert(
      fc.asyncProperty(lengths, kinds, async (pieces, type) => {
        const { said } = await heard(session.events(spoken(input, pieces, type), { json: true }));
        expect(JSON.parse(said)).toEqual(JSON.parse(ANSWER));
      }),
      { numRuns: 200 },
    );
    const stored = session.stored({ text: `I wrote to ${MAIL}.` });
    expect(stored.text).toBe('I wrote to <EMAIL_1>.');
  });

  it('keeps names that stand for nothing, and values that JSON writes in another way', async () => {
    const session = sessionOf('tokenize');
    const { input } = session.asked({ input: 'The password: "x\\y9"Zq7" is mine, ada@example.org.' });
    const answer = '{"said":"<EMAIL_1> and <EMAIL_9>","cut":"<EMA"}';
    const { said } = await heard(session.events(spoken(answer, [3], 'tool_call'), { json: true }));
    expect(JSON.parse(said)).toEqual({ said: 'ada@example.org and <EMAIL_9>', cut: '<EMA' });
    expect(session.restored({ input }).input).toContain('ada@example.org');
  });
});
