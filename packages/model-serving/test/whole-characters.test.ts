import type { ModelEvent } from '@mcp/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WholeCharacters } from '../src/whole-characters.ts';

const unit = fc.constantFrom('a', ' ', 'é', '💥', '\ud83d', '\ude00');
const piece = fc.array(unit, { maxLength: 5 }).map((units) => units.join(''));
const kind = fc.constantFrom('text', 'reasoning', 'tool_call' as const);

function spoken(type: 'text' | 'reasoning' | 'tool_call', choice: number, text: string): ModelEvent {
  return type === 'tool_call' ? { type, choice, index: 0, arguments_delta: text } : { type, choice, text };
}

/** What was said in one place, put together. */
function said(events: readonly ModelEvent[], type: string, choice: number): string {
  return events
    .map((event) => {
      if (event.type !== type || !('choice' in event) || event.choice !== choice) return '';
      if (event.type === 'tool_call') return event.arguments_delta;
      return event.type === 'text' || event.type === 'reasoning' ? event.text : '';
    })
    .join('');
}

test('every piece is well-formed, and together they are what was said with lone halves replaced', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(kind, fc.nat({ max: 1 }), piece), { maxLength: 30 }), (pieces) => {
      const characters = new WholeCharacters();
      const came: ModelEvent[] = [
        ...pieces.map(([type, choice, text]) => spoken(type, choice, text)),
        ...[0, 1].map(
          (choice): ModelEvent => ({ type: 'finish', choice, reason: { unified: 'stop', raw: null } }),
        ),
      ];
      const passed = came.flatMap((event) => characters.take(event));
      for (const event of passed) expect(JSON.stringify(event)).not.toMatch(/\\ud[89a-f]/);
      for (const type of ['text', 'reasoning', 'tool_call'])
        for (const choice of [0, 1])
          expect(said(passed, type, choice)).toBe(said(came, type, choice).toWellFormed());
      expect(passed.filter(({ type }) => type === 'finish')).toHaveLength(2);
    }),
  );
});

test('the name of a call does not wait for its first character', () => {
  const event: ModelEvent = {
    type: 'tool_call',
    choice: 0,
    index: 0,
    id: '1',
    name: 'f',
    arguments_delta: '\ud83d',
  };
  expect(new WholeCharacters().take(event)).toEqual([{ ...event, arguments_delta: '' }]);
});
