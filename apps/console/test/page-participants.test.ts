// @vitest-environment happy-dom
/** Who takes part: one to eight participants in the form that begins a conversation. */
import { ChatRequest } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idFault } from '../src/pages/participants.tsx';
import { settle, until } from './support/console.ts';
import { ask, open } from './support/converse.ts';
import { FarSocket } from './support/far-socket.ts';
import { model } from './support/samples.ts';
import { all, field, fill, isNamed, named, submit, textOf } from './support/screen.ts';

const MODELS = { 'GET /v1/models': { data: ['alpha', 'beta', 'gamma'].map((id) => ({ mcp: model(id) })) } };
const ADD = 'Add a participant';
const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'] as const;

const click = async (name: string) => {
  named(name).click();
  await settle();
};
const type = async (label: string, value: string) => {
  fill(label, value);
  await settle();
};
const chosen = () =>
  all<HTMLSelectElement>('.participant .field:first-child select').map(({ value }) => value);
/** The participants of the request that was sent, as the gateway takes it. */
const sent = (far: FarSocket) => ChatRequest.parse(far.sent[0]?.request).participants;

describe('the participants of the form', () => {
  it('are one to eight, each of another model while there are enough', async () => {
    await open(MODELS);
    await until(() => expect(chosen()).toEqual(['alpha', 'beta']));
    await click(ADD);
    expect(chosen()).toEqual(['alpha', 'beta', 'gamma']);
    for (let count = 3; count < 8; count++) await click(ADD);
    expect(all('.participant').map((one) => one.getAttribute('aria-label'))).toEqual(
      LETTERS.map((letter) => `Participant ${letter}`),
    );
    expect(isNamed(ADD)).toBe(false);
    const { far } = await ask();
    expect(sent(far)?.map(({ id }) => id)).toEqual(LETTERS.map((letter) => `model${letter}`));
  });

  it('can be a single one, which cannot be removed', async () => {
    await open(MODELS);
    await click('Remove A');
    expect(all('.participant')).toHaveLength(1);
    expect(isNamed('Remove A')).toBe(false);
    const { far } = await ask();
    expect(sent(far)).toEqual([{ id: 'modelA', model: 'alpha' }]);
  });

  it('keep what was said of them when one before them is removed, and when the page is opened again', async () => {
    await open(MODELS);
    await until(() => expect(chosen()).toEqual(['alpha', 'beta']));
    await click(ADD);
    await type('Model C', 'beta');
    await type('Id C', 'critic');
    await click('Remove A');
    expect([field('Model B').value, field('Id B').value]).toEqual(['beta', 'critic']);
    const { far } = await ask();
    expect(sent(far)).toEqual([
      { id: 'modelA', model: 'alpha' },
      { id: 'critic', model: 'beta' },
    ]);
  });

  it.each([
    ['of signs', 'a b', 'at most 32 letters'],
    ['of a log', 'user', 'Logs use user already'],
    ['of another', 'modelA', 'modelA is taken'],
  ])('are not begun with an id %s, and what is wrong is said at the field', async (_, id, words) => {
    await open(MODELS);
    await type('Id B', id);
    expect(textOf('.field-fault')).toContain(words);
    expect(field('Id B').getAttribute('aria-describedby')).toBe('fault-modelB');
    await type('Question', 'Why?');
    submit('.setup');
    await settle();
    expect(FarSocket.opened).toHaveLength(0);
    await type('Id B', 'critic');
    expect(all('.field-fault')).toHaveLength(0);
    const { far } = await ask();
    expect(sent(far)?.map(({ id: one }) => one)).toEqual(['modelA', 'critic']);
  });

  it('have no id that the gateway refuses, and every one that it takes', () => {
    const id = fc.oneof(
      fc.string({ maxLength: 34 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,33}$/),
      fc.constantFrom('system', 'user', 'assistant', 'summary', 'decision', 'modelA', 'modelB'),
    );
    const ids = fc.array(
      id.filter((one) => one !== ''),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(ids, (list) => {
        const taken = ChatRequest.safeParse({ message: 'x', participants: list.map((one) => ({ id: one })) });
        expect(idFault(list.map((one) => ({ id: one, model: '', prompt: '' }))) === null).toBe(taken.success);
      }),
    );
  });
});
