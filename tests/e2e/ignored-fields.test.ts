import { IGNORED_FIELDS } from '@mcp/contracts';
import { type Stack, stacks } from '@mcp/stacks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Provider, startProvider } from './provider.ts';
import { type Shipped, startShipped } from './shipped.ts';

let provider: Provider;
let running: Shipped;
beforeAll(async () => {
  provider = await startProvider(['m']);
  running = await startShipped({
    stack: stacks.local as Stack,
    services: ['model-gateway', 'gateway'],
    operator: { MODEL_BACKENDS: 'openai' },
    secrets: { openai_targets: JSON.stringify([{ name: 'elsewhere', base_url: provider.url }]) },
  });
  await vi.waitFor(async () => expect((await ask(requestWith(() => ({})))).status).toBe(200), 60_000);
});
afterAll(async () => {
  await running?.stop();
  await provider?.close();
});

const ask = (body: object) =>
  fetch(`${running.urls.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${running.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const { 'completion of a prompt': _elsewhere, ...IGNORED } = IGNORED_FIELDS.openai;
/** What an answer's header says was ignored. */
const said = (answer: Response) => answer.headers.get('x-mcp-ignored-fields')?.split(', ').sort() ?? [];

type Place = keyof typeof IGNORED;
const PLACES = Object.keys(IGNORED) as Place[];

/** A request that has every place, with more fields in each. */
function requestWith(more: (place: Place) => object) {
  const text = (words: string) => ({ type: 'text', text: words, ...more('content part') });
  return {
    model: 'm',
    messages: [
      { role: 'system', content: [text('Be brief.')], ...more('message') },
      { role: 'developer', content: 'Be exact.', ...more('message') },
      {
        role: 'user',
        content: [
          text('What is this?'),
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' }, ...more('content part') },
        ],
        name: 'ann',
        ...more('message'),
      },
      {
        role: 'assistant',
        content: [text('Let me look.'), { type: 'refusal', refusal: 'No.', ...more('content part') }],
        tool_calls: [{ id: '1', type: 'function', function: { name: 'look', arguments: '{}' } }],
        ...more('message'),
        ...more('assistant message'),
      },
      {
        role: 'tool',
        content: [text('A cat.')],
        tool_call_id: '1',
        ...more('message'),
        ...more('tool message'),
      },
    ],
    tools: [
      {
        type: 'function',
        function: { name: 'look', parameters: { type: 'object' }, ...more('function') },
        ...more('tool'),
      },
    ],
    ...more('request'),
  };
}

describe('a field that changes no answer', () => {
  it.each([
    ['an object', { type: 'ephemeral', ttl: '1h' }],
    ['a list', []],
    ['a text', 'in_memory'],
    ['a number', 7],
    ['null', null],
  ])(
    'is taken as %s wherever the table has it, and does not reach the server behind',
    async (_name, value) => {
      const all = (place: Place) => Object.fromEntries(IGNORED[place].map((field) => [field, value]));
      const answer = await ask(requestWith(all));
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('all is well')]);
      expect(provider.hits.at(-1)?.body).toEqual(requestWith(() => ({})));
      expect(said(answer)).toEqual(
        [
          ...IGNORED.request,
          ...['message', 'assistant message', 'tool message'].flatMap((place) =>
            IGNORED[place as 'message'].map((field) => `messages.${field}`),
          ),
          ...IGNORED['content part'].map((field) => `messages.content.${field}`),
          ...IGNORED.tool.map((field) => `tools.${field}`),
          ...IGNORED.function.map((field) => `tools.function.${field}`),
        ].sort(),
      );
    },
  );

  it('is refused by name where the table does not have it', async () => {
    for (const place of PLACES) {
      const elsewhere = place === 'request' ? 'cache_control' : 'prediction';
      const answer = await ask(requestWith((here) => (here === place ? { [elsewhere]: 1 } : {})));
      expect(answer.status, place).toBe(400);
      expect(await answer.text()).toContain(`Unrecognized request argument '${elsewhere}'`);
    }
  });
});

describe('a field that is unknown', () => {
  it.each([
    ['request', 'max_token', "'max_token'."],
    ['message', 'cache_controll', "'cache_controll' in messages.0."],
    ['assistant message', 'anotations', "'anotations' in messages.3."],
    ['tool message', 'nmae', "'nmae' in messages.4."],
    ['content part', 'cachecontrol', "'cachecontrol' in messages.0.content.0."],
    ['tool', 'cacheControl', "'cacheControl' in tools.0."],
    ['function', 'params', "'params' in tools.0.function."],
  ] as const)('(%s) is refused by name: %s', async (place, field, said) => {
    const before = provider.hits.length;
    const answer = await ask(requestWith((here) => (here === place ? { [field]: 1 } : {})));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: {
        message: `Unrecognized request argument ${said} Remove it or check its spelling.`,
        code: 'invalid_request',
      },
    });
    expect(provider.hits.length).toBe(before);
  });
});

it('a hint that a server behind may honour is passed on to it; store stays here', async () => {
  const hints = {
    reasoning_effort: 'low',
    service_tier: 'flex',
    verbosity: 'low',
    safety_identifier: 'user-7',
    prompt_cache_key: 'key-7',
    metadata: { app: 'test' },
    user: 'ann',
  };
  const answer = await ask({ ...requestWith(() => ({})), ...hints, store: false });
  expect([answer.status, said(answer)]).toEqual([200, []]);
  expect(provider.hits.at(-1)?.body).toEqual({ ...requestWith(() => ({})), ...hints });
});
