import type { ChatMessage, Tool } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallFinder, NextCall } from '../src/embedded/calls/finder.ts';
import { JsonEnd } from '../src/embedded/calls/json-end.ts';
import { callSyntaxOf } from '../src/embedded/calls/syntax.ts';
import { toHistory } from '../src/embedded/history.ts';

const HERMES = callSyntaxOf('Qwen2.5-Coder');
const SMOLLM2 = callSyntaxOf('smollm2');
const NAMES = new Set(['get', 'get_weather', 'add']);

/** The same text in pieces. */
const pieces = (text: string, cuts: readonly number[]): string[] => {
  const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [...at, text.length].map((end, index) => text.slice(at[index - 1] ?? 0, end));
};
const cuts = fc.array(fc.nat(), { maxLength: 40 });

/** Texts that come near to calls. */
const nearCalls = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          '<tool_call>',
          '<tool_',
          '<tools>',
          '</tool_call>',
          '```json',
          '```',
          '{',
          '[',
          '}',
          ',',
          '\n',
          ' ',
        ],
        ...[
          '{"name": "get_weather"',
          '{"name":"add"',
          '{ "name" : "get',
          '"',
          '{"name": "say_hello"',
          '"arguments"',
        ],
      ),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(''));
const syntax = fc.constantFrom(HERMES, SMOLLM2);

function find(markers: typeof HERMES.markers, parts: readonly string[]) {
  const finder = new CallFinder({ markers, names: NAMES });
  let text = '';
  for (const part of parts) {
    const found = finder.push(part);
    text += found.text;
    if (found.call !== undefined) return { text, call: found.call };
  }
  return { text: text + finder.end(), call: undefined };
}

describe('the beginning of calls', () => {
  it('is found in the same place however the text is cut, and no text is lost', () => {
    fc.assert(
      fc.property(nearCalls, cuts, syntax, (whole, at, { markers }) => {
        const { text, call } = find(markers, pieces(whole, at));
        expect({ text, call }).toEqual(find(markers, [whole]));
        if (call === undefined) expect(text).toBe(whole);
        else expect(whole.slice(text.length).trimStart().startsWith(call.written)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('holds nothing back of a text in which no call can begin', () => {
    fc.assert(
      fc.property(
        fc.string().map((text) => `${text.replaceAll(/[<{[`]/g, '')}.`),
        cuts,
        (whole, at) => {
          const finder = new CallFinder({ markers: HERMES.markers, names: NAMES });
          let given = 0;
          let said = 0;
          for (const part of pieces(whole, at)) {
            given += part.length;
            said += finder.push(part).text.length;
            expect(said).toBe(whole.slice(0, given).trimEnd().length);
          }
        },
      ),
    );
  });

  const mark = '<tool_call>\n';
  it.each([
    ['a mark', 'Let me see.\n<tool_call>\n{"na', 'Let me see.', mark, undefined],
    ['a mark in a line', 'So: <tool_call>', 'So:', mark, undefined],
    ['bare JSON', '{"name": "get_weather", "arg', '', '', 'get_weather'],
    ['bare JSON without spaces', '{"name":"get",', '', '', 'get'],
    ['JSON in a fence', 'Yes:\n```json\n{\n  "name": "add",\n', 'Yes:', '```json\n', 'add'],
    ['JSON in a list', '[{"name": "add"', '', '[', 'add'],
    ['JSON between the wrong marks', '<tools>\n{"name": "add"', '', '<tools>\n', 'add'],
  ])('is %s', (_, whole, text, before, name) => {
    expect(find(HERMES.markers, [...whole])).toMatchObject({ text, call: { before, name } });
  });

  it.each([
    ['a mark that breaks off', 'a <tool_cal'],
    ['a mark spelt wrong', '<tool_cell>{"name": "get_weather"}'],
    ['JSON that names no function', '{"name": "John", "age": 3}'],
    ['JSON whose name is longer', '{"name": "get_weather_now"}'],
    ['JSON that names something else first', '{"city": "add", "name": "add"}'],
    ['JSON in the middle of a line', 'like {"name": "add", "arguments": {}}'],
    ['white space', ' \n\n'],
  ])('is not %s', (_, whole) => {
    expect(find(HERMES.markers, [...whole])).toEqual({ text: whole, call: undefined });
  });

  it('is for SmolLM2 a list with something in it', () => {
    expect(find(SMOLLM2.markers, ['<tool_call>[]</tool_call>'])).toMatchObject({ call: undefined });
    expect(find(SMOLLM2.markers, ['<tool_call>[\n{"'])).toMatchObject({ call: { before: '<tool_call>[' } });
  });
});

describe('what follows a call', () => {
  const follows = (parts: readonly string[]) => {
    const next = new NextCall({ markers: HERMES.markers, names: NAMES });
    for (const part of parts) {
      const found = next.push(part);
      if (found !== undefined) return found;
    }
    return undefined;
  };

  it('is told alike however the text is cut', () => {
    fc.assert(
      fc.property(nearCalls, cuts, (whole, at) => {
        expect(follows(pieces(whole, at))).toEqual(follows([...whole]));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['\n<tool_call>', 'call'],
    ['</tool_call>\n<tool_call>', 'call'],
    ['}\n{"name": "add"', 'call'],
    [', {"name": "add"', 'call'],
    ['\n```\n```json\n{"name": "add"', 'call'],
    ['\n```\nThis adds', 'end'],
    ['\n{"name": "say_hello"', 'end'],
    [' and then', 'end'],
    ['\n</tool_ca', undefined],
    ['', undefined],
  ])('%j: %s', (text, type) => {
    expect(follows([...text])?.type).toBe(type);
  });
});

describe('the end of a JSON value', () => {
  it('is found in any pieces, whatever comes after', () => {
    const value = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
    const space = fc.constantFrom(0, 2);
    fc.assert(
      fc.property(value, space, fc.string(), cuts, (one, indent, tail, at) => {
        const json = JSON.stringify(one, null, indent);
        const end = new JsonEnd();
        let read = 0;
        for (const piece of pieces(` ${json}${tail}`, at)) {
          const taken = end.push(piece);
          read += taken ?? piece.length;
          if (taken !== undefined) break;
        }
        expect(read).toBe(json.length + 1);
      }),
    );
  });

  it.each(['12', '"a b"', 'true', '-1.5e3'])('is found of %s at the top', (json) => {
    expect(new JsonEnd().push(`${json}\n\n`)).toBe(json.length);
  });
});

describe('the history of calls', () => {
  const tool: Tool = {
    type: 'function',
    function: { name: 'add', description: 'Adds.', parameters: { type: 'object', properties: {} } },
  };
  const call = (id: string, json: string) => ({
    id,
    type: 'function' as const,
    function: { name: 'add', arguments: json },
  });
  const messages: ChatMessage[] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Add.' },
    { role: 'assistant', content: 'So.', tool_calls: [call('1', '{"a":1}'), call('2', 'half')] },
    { role: 'tool', tool_call_id: '2', content: 'two' },
    { role: 'tool', tool_call_id: '1', content: 'one' },
    { role: 'user', content: 'And?' },
  ];

  it("is Qwen's own", () => {
    const history = toHistory(messages, { syntax: HERMES, tools: [tool], goes_on: true });
    expect(history.map(({ type }) => type)).toEqual(['system', 'system', 'user', 'model', 'user', 'model']);
    expect(history[1]).toMatchObject({
      text: expect.stringContaining(
        '<tools>\n{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}}}\n</tools>',
      ),
    });
    expect(history.slice(3)).toEqual([
      {
        type: 'model',
        response: [
          'So.\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>\n<tool_call>\n{"name": "add", "arguments": "half"}\n</tool_call>',
        ],
      },
      {
        type: 'user',
        text: '<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>\n\nAnd?',
      },
      { type: 'model', response: [] },
    ]);
  });

  it("is SmolLM2's own, and shows no functions where there are none", () => {
    const history = toHistory(messages, { syntax: SMOLLM2, tools: [], goes_on: true });
    expect(history).toHaveLength(5);
    expect(history[2]).toEqual({
      type: 'model',
      response: [
        'So.\n<tool_call>[{"name": "add", "arguments": {"a": 1}}, {"name": "add", "arguments": "half"}]</tool_call>',
      ],
    });
  });

  it('begins with the functions where no system message stands', () => {
    const [first, second] = toHistory([{ role: 'user', content: 'Add.' }], {
      syntax: HERMES,
      tools: [tool],
      goes_on: true,
    });
    expect([first?.type, second?.type]).toEqual(['system', 'user']);
  });
});
