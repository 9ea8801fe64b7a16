import { describe, expect, it } from 'vitest';
import { collect, decodeChatCompletion, decodeChatStream } from '../src/index.ts';
import { all, body } from './support.ts';

const chunk = (value: object) => `data: ${JSON.stringify({ id: 'c', model: 'm', created: 1, ...value })}\n\n`;
const said = (delta: object, finish_reason: string | null = null, index = 0) =>
  chunk({ choices: [{ index, delta, finish_reason }] });
const DONE = 'data: [DONE]\n\n';

/** Runs a stream to its error. */
async function failure(text: string): Promise<unknown> {
  return all(decodeChatStream(body(text))).then(
    (events) => ({ events }),
    (error: unknown) => error,
  );
}

describe('streams of other servers', () => {
  it('a stream that breaks off is interrupted', async () => {
    expect(await failure(said({ content: 'a' }))).toMatchObject({
      code: 'upstream_interrupted',
      retryable: true,
    });
    expect(await failure('')).toMatchObject({ code: 'upstream_interrupted' });
    expect(await failure(`${said({ content: 'a' })}data: {"id":"c","cho`)).toMatchObject({
      code: 'upstream_interrupted',
    });
  });

  it('one of two choices is not the whole answer', async () => {
    const text = said({ content: 'a' }) + said({ content: 'b' }, null, 1) + said({}, 'stop');
    expect(await failure(text)).toMatchObject({ code: 'upstream_interrupted' });
  });

  it('a finish reason is enough where [DONE] is missing', async () => {
    const completion = await collect(decodeChatStream(body(said({ content: 'a' }) + said({}, 'stop'))));
    expect(completion.choices).toMatchObject([{ text: 'a', finish: { unified: 'stop', raw: 'stop' } }]);
  });

  it('[DONE] without a finish reason ends as other', async () => {
    const completion = await collect(decodeChatStream(body(said({ content: 'a' }) + DONE)));
    expect(completion.choices[0]?.finish).toEqual({ unified: 'other', raw: null });
  });

  it('usage in every chunk counts once, at the end', async () => {
    const usage = (completion_tokens: number) => ({ prompt_tokens: 3, completion_tokens, total_tokens: 0 });
    const text =
      chunk({ choices: [{ index: 0, delta: { content: 'a' } }], usage: usage(1) }) +
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: usage(2) }) +
      DONE;
    const events = await all(decodeChatStream(body(text)));
    expect(events.filter(({ type }) => type === 'usage')).toEqual([
      { type: 'usage', usage: { input_tokens: 3, output_tokens: 2 } },
    ]);
    expect(events.at(-1)?.type).toBe('usage');
  });

  it('tool calls that come mixed, without index or without id, stay apart', async () => {
    const call = (index: number, part: object) => ({ tool_calls: [{ index, ...part }] });
    const text =
      said({
        tool_calls: [
          { index: 1, id: 'b', function: { name: 'second', arguments: '' } },
          { index: 0, id: 'a', function: { name: 'first', arguments: '' } },
        ],
      }) +
      said(call(0, { function: { arguments: '{"x":' } })) +
      said(call(1, { function: { arguments: '{}' } })) +
      said(call(0, { function: { arguments: '1}' } })) +
      said({}, 'tool_calls') +
      DONE;
    const { choices } = await collect(decodeChatStream(body(text)));
    expect(choices[0]?.tool_calls).toEqual([
      { id: 'a', type: 'function', function: { name: 'first', arguments: '{"x":1}' } },
      { id: 'b', type: 'function', function: { name: 'second', arguments: '{}' } },
    ]);
    const whole = decodeChatCompletion({
      choices: [
        {
          message: {
            tool_calls: [
              { function: { name: 'f', arguments: '1' } },
              { function: { name: 'g', arguments: '2' } },
            ],
          },
          finish_reason: 'tool_calls',
        },
      ],
    });
    expect(whole.filter(({ type }) => type === 'tool_call')).toMatchObject([
      { index: 0, id: 'call_0_0', name: 'f' },
      { index: 1, id: 'call_0_1', name: 'g' },
    ]);
  });

  it('keeps the raw finish reason, reads reasoning under both names, and a refusal as what was said', async () => {
    const text =
      said({ reasoning: 'hm' }) +
      said({ reasoning_content: ' so' }) +
      said({ refusal: 'No.' }) +
      said({}, 'eos') +
      DONE;
    const { choices } = await collect(decodeChatStream(body(text)));
    expect(choices).toMatchObject([
      { reasoning: 'hm so', text: 'No.', finish: { unified: 'stop', raw: 'eos' } },
    ]);
  });

  it('log-probabilities without what is optional', async () => {
    const logprobs = { content: [{ token: 'a', logprob: null }] };
    const text =
      chunk({ choices: [{ index: 0, delta: { content: 'a' }, logprobs, finish_reason: 'stop' }] }) + DONE;
    const { choices } = await collect(decodeChatStream(body(text)));
    expect(choices[0]?.logprobs).toEqual([{ token: 'a', logprob: -9999, bytes: null, top_logprobs: [] }]);
  });

  it('comments, other fields, CRLF and a byte order mark are no trouble', async () => {
    const text = `\uFEFF: ping\r\nid: 7\r\nretry: 10\r\n${said({ content: 'é' }, 'stop').replace('\n\n', '\r\n\r\n')}${DONE}`;
    const { choices } = await collect(decodeChatStream(body(text)));
    expect(choices[0]?.text).toBe('é');
  });
});

describe('errors in a stream', () => {
  it.each([
    [
      'OpenAI',
      { error: { message: 'The server had an error', type: 'server_error', code: null } },
      'upstream_failed',
      true,
    ],
    [
      'llama.cpp',
      {
        error: {
          code: 400,
          message: 'the request exceeds the available context size',
          type: 'exceed_context_size_error',
        },
      },
      'context_length_exceeded',
      false,
    ],
    [
      'vLLM',
      { object: 'error', message: 'bad', type: 'BadRequestError', code: 400 },
      'invalid_request',
      false,
    ],
    [
      'Anthropic',
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      'unavailable',
      true,
    ],
    ['Ollama', { error: 'model runner has unexpectedly stopped' }, 'upstream_failed', true],
    [
      'our own',
      { error: { message: 'late', type: 'server_error', param: null, code: 'deadline_exceeded' } },
      'deadline_exceeded',
      true,
    ],
    ['Gemini', [{ error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } }], 'unavailable', true],
  ])('%s', async (_, error, code, retryable) => {
    const text = `${said({ content: 'a' })}data: ${JSON.stringify(error)}\n\n`;
    expect(await failure(text)).toMatchObject({ name: 'PlatformError', code, retryable });
    // Also when it is the last thing that came, without its blank line.
    expect(await failure(text.trimEnd())).toMatchObject({ code });
  });

  it('as plain text under the event name error', async () => {
    expect(await failure('event: error\ndata: out of memory\n\n')).toMatchObject({
      code: 'upstream_failed',
      message: 'out of memory',
    });
  });

  it.each([
    ['what is not JSON', 'data: {oops\n\n'],
    ['what is no chunk', 'data: {"choices":7}\n\n'],
    ['a choice beyond all bounds', said({ content: 'a' }, null, 1e9)],
  ])('%s is refused', async (_, text) => {
    expect(await failure(text)).toMatchObject({ code: 'upstream_failed' });
  });

  it('an event without end is given up', async () => {
    const endless = (async function* () {
      yield new TextEncoder().encode('data: ');
      for (let i = 0; i < 100; i++) yield new Uint8Array(1024 * 1024).fill(97);
    })();
    await expect(all(decodeChatStream(endless))).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  it('what is no completion is refused as an answer, and an error body is its error', () => {
    expect(() => decodeChatCompletion({ hello: 1 })).toThrow(/not a chat completion/);
    expect(() => decodeChatCompletion({ error: { message: 'busy', code: 429 } })).toThrow('busy');
  });
});
