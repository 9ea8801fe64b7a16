import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Speakers } from '../src/pipeline/speakers.ts';

const PIECES = 3;

/** Up to six turns, each begun, said in three pieces and ended, in an order in which they may run at once. */
const interleaved = fc
  .array(fc.nat(5), { maxLength: 60 })
  .map((order) => order.map((turn) => `s${turn}`))
  .map((order) => {
    const done = new Map<string, number>();
    return order.flatMap((step) => {
      const at = done.get(step) ?? 0;
      done.set(step, at + 1);
      return at > PIECES + 1 ? [] : [{ step, at }];
    });
  });

it('puts texts that are written at once one after the other, whole, in the order in which they began', () => {
  fc.assert(
    fc.property(interleaved, (events) => {
      const speakers = new Speakers();
      const texts = new Map<string, string>();
      let said = '';
      for (const { step, at } of events) {
        const text = at === 0 ? `[${step}]` : `${step}.${at} `;
        if (at <= PIECES)
          texts.set(step, (texts.get(step) ?? '') + (at === 0 && texts.size > 0 ? '\n\n' : '') + text);
        if (at === 0) said += speakers.begin({ step, participant: step }, text);
        else if (at <= PIECES) said += speakers.say(step, text);
        else said += speakers.end({ step });
        // The one that began first of those that go on is never held back.
        expect([...texts.values()].join('').startsWith(said)).toBe(true);
      }
      expect(said + speakers.rest()).toBe([...texts.values()].join(''));
      expect(speakers.rest()).toBe('');
    }),
  );
});

/** What one who is first says, and one who is held, each in two attempts. */
it.each([
  ['that has said something', 'half', '[a]half\n[again]\nwhole\n\n[b]whole'],
  ['that has said nothing', '', '[a]whole\n\n[b]whole'],
])('a turn %s is tried again under the head that it has', (_name, half, all) => {
  const speakers = new Speakers();
  const turns = [
    { step: 's1', participant: 'a' },
    { step: 's2', participant: 'b' },
  ];
  const said: string[] = [];
  for (const text of [half, 'whole'])
    for (const turn of turns) {
      said.push(speakers.begin(turn, `[${turn.participant}]`));
      said.push(speakers.say(turn.step, text));
    }
  expect(said.join('') + speakers.rest()).toBe(all);
});

it('goes on after one that fails, and knows no stranger', () => {
  const speakers = new Speakers();
  const said = [
    speakers.begin({ step: 's1', participant: 'a' }, '[a]'),
    speakers.begin({ step: 's2', participant: 'b' }, '[b]'),
    speakers.say('s2', 'held'),
    speakers.end({ participant: 'a' }),
    speakers.say('s2', ' and on'),
    speakers.say('s9', 'a stranger'),
  ];
  expect(said).toEqual(['[a]', '', '', '\n\n[b]held', ' and on', '']);
});
