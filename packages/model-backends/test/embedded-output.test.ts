import { type ModelEvent, PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finishOf } from '../src/embedded/choice-run.ts';
import { Output } from '../src/embedded/output.ts';
import { plain } from './support.ts';

const START = { type: 'start', model: 'small' } as const;
const STOP = { unified: 'stop', raw: 'eogToken' } as const;
const text = (value: string, choice = 0): ModelEvent => ({ type: 'text', choice, text: value });
const used = (usedInputTokens: number, usedOutputTokens: number) => () => ({
  usedInputTokens,
  usedOutputTokens,
  usedRestoreStateTokens: 0,
});
const usage = (output_tokens: number, cached_input_tokens?: number) => ({
  type: 'usage',
  usage: {
    input_tokens: 10,
    output_tokens,
    ...(cached_input_tokens === undefined ? {} : { cached_input_tokens }),
  },
});

function open() {
  const abort = new AbortController();
  const out = new Output({ model: 'small', input_tokens: 10 }, abort.signal);
  return { abort, out };
}

/** All that came, and the error that it ended with. */
async function read(out: Output) {
  const events: ModelEvent[] = [];
  try {
    for await (const event of out.events()) events.push(event);
  } catch (error) {
    return { events: plain(events), error };
  }
  return { events: plain(events), error: undefined };
}

describe('what a generation says', () => {
  it('is a start, what was said, a finish and the usage of each choice, with what was not read again', async () => {
    const { out } = open();
    out.begin(0, used(10, 3));
    out.push(text('one'));
    out.finish(0, STOP);
    // A second choice finds the prompt read.
    out.begin(1, used(0, 4));
    out.push(text('two', 1));
    out.finish(1, STOP);
    out.end();
    expect(await read(out)).toEqual({
      events: [
        START,
        text('one'),
        { type: 'finish', choice: 0, reason: STOP },
        text('two', 1),
        { type: 'finish', choice: 1, reason: STOP },
        usage(7, 0),
      ],
      error: undefined,
    });
  });

  it('counts what was in the cache by the first choice, and never less than nothing', async () => {
    for (const [read_tokens, cached] of [
      [4, 6],
      [0, 10],
      [12, 0],
    ] as const) {
      const { out } = open();
      out.begin(0, used(read_tokens, 1));
      out.finish(0, STOP);
      out.end();
      expect((await read(out)).events.at(-1)).toEqual(usage(1, cached));
    }
  });

  it('ends at once when the signal fires: a finish of what was being said, the usage so far, and the reason', async () => {
    const { out, abort } = open();
    const reason = new PlatformError('deadline_exceeded', 'too late');
    out.begin(0, used(10, 2));
    out.push(text('one'));
    abort.abort(reason);
    out.push(text('never said'));
    out.finish(0, STOP);
    out.end();
    out.fail(new Error('never thrown'));
    expect(await read(out)).toEqual({
      events: [
        START,
        text('one'),
        { type: 'finish', choice: 0, reason: { unified: 'cancelled', raw: 'abort' } },
        usage(2),
      ],
      error: reason,
    });
  });

  it.each([
    ['before it began', (out: Output) => out, []],
    ['between choices', (out: Output) => out.finish(0, STOP), [{ type: 'finish', choice: 0, reason: STOP }]],
  ])('has no finish of its own when it is cut %s', async (_, before, finishes) => {
    const { out, abort } = open();
    before(out);
    abort.abort(new PlatformError('cancelled', 'enough'));
    expect((await read(out)).events).toEqual([START, ...finishes, usage(0)]);
  });

  it('is cut from the beginning when the signal had fired before', async () => {
    const out = new Output({ model: 'small', input_tokens: 10 }, AbortSignal.abort());
    out.begin(0, used(1, 1));
    out.push(text('never said'));
    const { events, error } = await read(out);
    expect(events).toEqual([START, usage(0)]);
    expect(error).toMatchObject({ code: 'cancelled' });
  });

  it('gives an error of the model as it is, and the signal its reason where that was the cause', async () => {
    const failed = open();
    const broken = new Error('llama.cpp broke');
    failed.out.push(text('one'));
    failed.out.fail(broken);
    expect(await read(failed.out)).toEqual({ events: [START, text('one')], error: broken });
  });

  it('is well formed whatever happens, in whatever order', async () => {
    const act = fc.constantFrom('begin', 'text', 'finish', 'end', 'fail', 'abort');
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
        const { out, abort } = open();
        for (const one of acts) {
          if (one === 'begin') out.begin(0, used(10, 1));
          else if (one === 'text') out.push(text('x'));
          else if (one === 'finish') out.finish(0, STOP);
          else if (one === 'end') out.end();
          else if (one === 'fail') out.fail(new Error('broke'));
          else abort.abort();
        }
        out.end();
        const { events, error } = await read(out);
        const closing = acts.find((one) => one === 'end' || one === 'fail' || one === 'abort');
        expect(events[0]).toEqual(START);
        expect(events.filter(({ type }) => type === 'usage')).toHaveLength(closing === 'fail' ? 0 : 1);
        if (closing !== 'fail') expect(events.at(-1)?.type).toBe('usage');
        expect(error === undefined).toBe(closing === 'end' || closing === undefined);
      }),
    );
  });
});

it.each([
  ['maxTokens', 'length'],
  ['functionCalls', 'tool_calls'],
  ['eogToken', 'stop'],
  ['stopGenerationTrigger', 'stop'],
  ['customStopTrigger', 'stop'],
  ['abort', 'cancelled'],
  ['something new', 'other'],
])('%s of llama.cpp is %s on the wire', (raw, unified) => {
  expect(finishOf(raw)).toEqual({ unified, raw });
});
