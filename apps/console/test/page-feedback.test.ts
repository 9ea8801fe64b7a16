// @vitest-environment happy-dom
/** What a reader says of an answer, from the page to the gateway. */
import { expect, it } from 'vitest';
import { problem, settle, until } from './support/console.ts';
import { ask, open } from './support/converse.ts';
import { decision, idOf, participantsOf, TRACE } from './support/samples.ts';
import { all, fill, isNamed, named, submit, textOf } from './support/screen.ts';

const ID = idOf(1);
const started = {
  type: 'start',
  conversation_id: ID,
  trace_id: TRACE,
  mode: 'debate',
  participants: participantsOf(2),
  models: [],
  exchanges: 2,
};
const completed = {
  type: 'done',
  response: {
    id: ID,
    trace_id: TRACE,
    mode: 'debate',
    participants: participantsOf(2),
    messages: [],
    decision: decision(2),
    status: 'completed',
  },
};

it('an answer is judged by a thumb, kept at once, and a comment; what is refused is said, and nothing is asked before its end', async () => {
  const FEEDBACK = `POST /v1/conversations/${ID}/feedback`;
  let up = false;
  const kept = { conversation_id: ID, seq: 5, hash: 'h', given_at: '2026-11-29T09:00:00.000Z' };
  const { calledWith } = await open({
    [FEEDBACK]: () => (up ? kept : problem(409, 'conflict', 'There is no decision yet.')),
  });
  const { say } = await ask();
  say(started);
  await until(() => expect(all('.turn-waiting')).toHaveLength(1));
  expect(isNamed('👍 Good answer')).toBe(false);
  say(completed);
  await until(() => expect(isNamed('👍 Good answer')).toBe(true));
  const said = () => textOf('.feedback [role=status]');
  named('👍 Good answer').click();
  await until(() => expect(textOf('.feedback [role=alert]')).toContain('There is no decision yet.'));
  expect([said(), isNamed('Keep the comment')]).toEqual(['', false]);
  up = true;
  named('👎 Poor answer').click();
  await until(() => expect(said()).toBe('Your feedback is kept.'));
  expect(named('👎 Poor answer').getAttribute('aria-pressed')).toBe('true');
  expect(named('👍 Good answer').getAttribute('aria-pressed')).toBe('false');
  fill('Comment', '  Too short.  ');
  await settle();
  submit('.feedback-comment');
  await until(() => expect(said()).toBe('Your feedback and comment are kept.'));
  expect(calledWith(FEEDBACK).map(({ body }) => body)).toEqual([
    { score: 1 },
    { score: 0 },
    { score: 0, comment: 'Too short.' },
  ]);
});
