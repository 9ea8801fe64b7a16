// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { never, problem, settle, until } from './support/console.ts';
import { ask, open } from './support/converse.ts';
import { FarSocket } from './support/far-socket.ts';
import {
  conversation,
  decision,
  idOf,
  model,
  participantsOf,
  record,
  STOP,
  TRACE,
} from './support/samples.ts';
import { all, field, fill, isNamed, named, one, press, submit, textOf } from './support/screen.ts';

const ID = idOf(1);
const GET = `GET /v1/conversations/${ID}`;
const EVENTS = `${GET}/events`;
const begin = (count = 2, exchanges = 2) => ({
  type: 'start',
  conversation_id: ID,
  trace_id: TRACE,
  mode: 'debate',
  participants: participantsOf(count),
  models: [],
  exchanges,
});
const head = (turn: number, count = 2, attempt = 1) => ({
  turn,
  attempt,
  message_id: idOf(1001 + turn + (attempt - 1) * 100),
  role: participantsOf(count)[turn % count]?.id ?? '',
  model: `model-${(turn % count) + 1}`,
});
const usage = { input_tokens: 3, output_tokens: 4 };
const turnOf = (turn: number, content: string, count = 2) => [
  { type: 'message.start', ...head(turn, count) },
  { type: 'message.end', ...head(turn, count), content, finish_reason: STOP, usage },
];
const response = (status: string, count = 2, decided: object | null = decision(count)) => ({
  type: 'done',
  response: {
    id: ID,
    trace_id: TRACE,
    mode: 'debate',
    participants: participantsOf(count),
    messages: [],
    decision: decided,
    status,
  },
});

const turns = () =>
  all('.turn:not(.turn-waiting)').map((turn) => turn.querySelector('.turn-body')?.textContent?.trim());
const badge = () => textOf('.chat-head .badge');
const milestone = () => textOf('.stage > [role=status]');

describe('the form', () => {
  it('invites, and chooses two different models', async () => {
    await open();
    await until(() => expect([field('Model A').value, field('Model B').value]).toEqual(['alpha', 'beta']));
    expect(textOf('.stage')).toContain('Ask something that deserves a second opinion');
  });

  it('shows models on their way, which cannot be chosen', async () => {
    const coming = model('beta', { status: 'downloading', detail: '40 % of 1 GB' });
    await open({ 'GET /v1/models': { data: [{ mcp: model('alpha') }, { mcp: coming }] } });
    await until(() => expect(textOf('.waiting')).toContain('beta 40 % of 1 GB'));
    expect([field('Model A').value, field('Model B').value]).toEqual(['alpha', 'alpha']);
    const option = one<HTMLOptionElement>('.participant.who-a option[value=beta]');
    expect([option.disabled, option.textContent]).toEqual([true, 'beta – 40 % of 1 GB']);
  });

  it('offers only models that chat, and says so where there is none', async () => {
    const data = [{ mcp: model('mcp/debate') }, { mcp: model('e', { kind: 'embedding' }) }];
    await open({ 'GET /v1/models': { data } });
    expect(textOf('.participant.who-a')).toContain('No model is here yet');
    expect(
      all('.participant.who-a option[value=e], .participant.who-a option[value="mcp/debate"]'),
    ).toHaveLength(0);
  });

  it('says what it could not load, and loads it again', async () => {
    let up = false;
    await open({
      'GET /v1/models': () => (up ? { data: [{ mcp: model('late') }] } : problem(503, 'x', 'Not yet.')),
    });
    await until(() => expect(textOf('[role=alert]')).toContain('Loading the models did not work'));
    up = true;
    named('Try again').click();
    await until(() => expect(field('Model A').value).toBe('late'));
  });

  it('refuses an empty question, names the fault and goes back to the field', async () => {
    await open();
    submit('.setup');
    await until(() => expect(textOf('#question-fault')).toBe('Write a question first.'));
    expect(document.activeElement).toBe(field('Question'));
    expect(field('Question').getAttribute('aria-describedby')).toBe('question-fault');
    expect(FarSocket.opened).toHaveLength(0);
  });

  it.each([
    ['Enter with Ctrl', 'Enter', { ctrlKey: true }, 1],
    ['Enter with Cmd', 'Enter', { metaKey: true }, 1],
    ['Enter alone', 'Enter', {}, 0],
    ['another key with Ctrl', 'x', { ctrlKey: true }, 0],
  ])('is sent by %s or not', async (_, key, more, sent) => {
    await open();
    fill('Question', 'Why?');
    await settle();
    press(key, field('Question'), more);
    await settle();
    expect(FarSocket.opened).toHaveLength(sent);
  });

  it('sends what was chosen, and remembers it', async () => {
    const prompts = ['base_system', 'mine'].map((name) => ({
      name,
      source: 'user',
      description: '',
      sha256: 'x',
    }));
    await open({ 'GET /v1/prompts': { prompts } });
    await until(() => expect(all('.participant.who-b option[value=mine]')).toHaveLength(1));
    for (const [label, value] of [
      ['Model A', 'beta'],
      ['Prompt B', 'mine'],
      ['Mode', 'cross-check'],
      ['Exchanges', '5'],
      ['Tokens per turn', '64'],
    ] as const) {
      fill(label, value);
      await settle();
    }
    const { far } = await ask('  Why?  ');
    expect(far.sent[0]?.request).toEqual({
      message: 'Why?',
      mode: 'cross-check',
      exchanges: 5,
      max_tokens_per_turn: 64,
      participants: [
        { id: 'modelA', model: 'beta' },
        { id: 'modelB', model: 'alpha', prompt: 'mine' },
      ],
    });
    expect(JSON.parse(localStorage.getItem('mcp.converse') ?? '')).toMatchObject({
      participants: [{ model: 'beta' }, { model: '', prompt: 'mine' }],
      exchanges: 5,
    });
  });

  it('of a graph of agents needs no participants, and its nodes are shown as they come', async () => {
    const graph = { model: 'mcp/pair', description: 'One answers, one checks.', source: 'stack' };
    await open({ 'GET /v1/graphs': { graphs: [graph] } });
    await until(() => expect(field('Mode').textContent).toContain('mcp/pair'));
    fill('Mode', 'mcp/pair');
    await until(() => expect(all('.participant')).toHaveLength(0));
    expect(textOf('#mode-hint')).toBe('One answers, one checks.');
    const { far, say } = await ask();
    expect(far.sent[0]?.request).toEqual({ message: 'Why?', mode: 'mcp/pair', max_tokens_per_turn: 256 });
    const start = { ...begin(), mode: 'mcp/pair' as const, exchanges: 1 };
    const [first = start, ...rest] = turnOf(1, 'It is.');
    say(start, first, ...rest, {
      type: 'node',
      participant: 'modelA',
      state: 'skipped',
      reason: 'nothing came of it',
    });
    await until(() => expect(turns()).toEqual(['It is.']));
    expect(textOf('.turn-number')).toBe('node 2');
    expect(textOf('[aria-label="Nodes that say nothing"]')).toBe('modelA skipped: nothing came of it');
  });

  it.each([
    ['0', '1'],
    ['17', '16'],
    ['3.4', '3'],
    ['', '1'],
    ['-5', '1'],
    ['7', '7'],
  ])('brings %s exchanges to %s when the field is left', async (typed, expected) => {
    await open();
    fill('Exchanges', typed);
    field('Exchanges').dispatchEvent(new Event('blur'));
    await until(() => expect(field('Exchanges').value).toBe(expected));
    const { far } = await ask();
    expect(far.sent[0]?.request).toMatchObject({ exchanges: Number(expected) });
  });
});

describe('a conversation', () => {
  it('is shown word by word, and its milestones are said', async () => {
    await open();
    const { say } = await ask();
    await until(() => expect(milestone()).toBe('Starting the conversation.'));
    expect(textOf('.question')).toContain('Why?');
    say(begin(), { type: 'message.start', ...head(0) });
    await until(() => expect(milestone()).toBe('Model A is writing turn 1 of 2.'));
    say({ type: 'delta', ...head(0), text: 'Because' });
    await until(() => expect(turns()).toEqual(['Because']));
    expect(one('.stage').getAttribute('aria-busy')).toBe('true');
    expect(location.hash).toBe(`#/converse/${ID}`);
    say(...turnOf(0, 'Because so.').slice(1), ...turnOf(1, 'Indeed.'));
    await until(() => expect(turns()).toEqual(['Because so.', 'Indeed.']));
    expect(textOf('.turn-waiting')).toContain('Comparing the answers …');
    say(response('completed'));
    await until(() => expect(milestone()).toBe('The conversation is complete. It says more.'));
    expect(one('.stage').getAttribute('aria-busy')).toBe('false');
    expect(textOf('.chat-head')).toContain('8 tokens written');
    expect(textOf('.turn-chosen .tag')).toBe('B');
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'of %i participants tells them apart and lays them out',
    async (count) => {
      await open();
      const { say } = await ask();
      say(
        begin(count, count),
        ...Array.from({ length: count }, (_, at) => turnOf(at, `words ${at}`, count)).flat(),
      );
      say(response('completed', count));
      await until(() => expect(badge()).toBe('completed'));
      const letters = [...'ABCDEFGH'].slice(0, count);
      expect(all('.turn .tag').map((tag) => tag.textContent)).toEqual(letters);
      expect(new Set(all('.turn .tag').map((tag) => tag.className)).size).toBe(count);
      expect(all(count === 2 || count === 3 ? `.turns-${count}` : '.turns-1')).toHaveLength(1);
      expect(all('.scores thead th')).toHaveLength(count + 1);
      expect(textOf('.decision h2')).toBe(`Decision: model ${letters[count - 1]}`);
      const articles = all('article').map((article) => article.getAttribute('aria-label'));
      expect(articles).toEqual(
        letters.map((letter, at) => `Turn ${at + 1}, model ${letter}, model-${at + 1}`),
      );
    },
  );

  it('shows of a turn that was begun again the later attempt alone', async () => {
    await open();
    const { say } = await ask();
    say(begin(), { type: 'message.start', ...head(0) }, { type: 'delta', ...head(0), text: 'stale' });
    await until(() => expect(turns()).toEqual(['stale']));
    say({ type: 'message.start', ...head(0, 2, 2) }, { type: 'delta', ...head(0, 2, 2), text: 'fresh' });
    await until(() => expect(turns()).toEqual(['fresh']));
    expect(textOf('.turn-head')).toContain('attempt 2');
  });

  it('shows markup that a model writes as text', async () => {
    await open();
    const { say } = await ask();
    say(begin(), ...turnOf(0, '<img src=x onerror=alert(1)> [go](javascript:alert(1))'));
    await until(() => expect(textOf('.turn-body')).toContain('<img src=x onerror=alert(1)>'));
    expect(all('.turn img, .turn script, .turn a')).toHaveLength(0);
  });

  it('is cancelled by Esc, once, and can be resumed', async () => {
    await open();
    const { far, say } = await ask();
    say(begin(), { type: 'message.start', ...head(0) }, { type: 'delta', ...head(0), text: 'half' });
    await until(() => expect(turns()).toEqual(['half']));
    expect(press('Escape', document.body)).toBe(true);
    await until(() => expect(badge()).toBe('cancelling'));
    expect(all<HTMLButtonElement>('.button-stop')[0]?.disabled).toBe(true);
    expect(far.sent.filter(({ type }) => type === 'cancel')).toHaveLength(1);
    far.close();
    await until(() => expect(badge()).toBe('cancelled'));
    expect(milestone()).toBe('The conversation was cancelled.');
    expect(textOf('.turn-foot')).toContain('stopped before its end');
    expect(press('Escape', document.body)).toBe(false);
    named('Resume the conversation').click();
    await until(() => expect(FarSocket.opened).toHaveLength(2));
    FarSocket.opened[1]?.onopen?.();
    expect(FarSocket.opened[1]?.sent[0]?.request).toEqual({ conversation_id: ID });
  });

  it('that is cut off says so, keeps its words and can be resumed', async () => {
    await open();
    const { far, say } = await ask();
    say(begin(), ...turnOf(0, 'Whole.'), { type: 'message.start', ...head(1) });
    far.onclose?.();
    await until(() => expect(textOf('.stage [role=alert]')).toContain('connection_lost'));
    expect(turns()).toEqual(['Whole.', '']);
    expect(milestone()).toBe('The conversation broke off. It can be resumed.');
    expect(isNamed('Resume')).toBe(true);
  });

  it('that fails for good says why and when to try again, and offers no resumption', async () => {
    await open();
    const { say } = await ask();
    say({
      type: 'error',
      code: 'quota_exceeded',
      message: 'Nothing is left.',
      retryable: false,
      conversation_id: null,
      trace_id: TRACE,
      retry_after_ms: 1500,
    });
    await until(() => expect(textOf('.stage [role=alert]')).toContain('Nothing is left.'));
    expect(textOf('.stage [role=alert]')).toContain('Try again in 2 seconds.');
    expect(badge()).toBe('failed');
    expect(isNamed('Resume')).toBe(false);
  });

  it('is asked on: only the question and its shape are sent, and a second round is shown', async () => {
    await open();
    const { say } = await ask();
    say(begin(), ...turnOf(0, 'First.'), response('completed', 2, null));
    await until(() => expect(badge()).toBe('completed'));
    expect(all('.participant.who-a')).toHaveLength(0);
    fill('Next question in this conversation', 'And then?');
    await settle();
    submit('.setup');
    await until(() => expect(FarSocket.opened).toHaveLength(2));
    FarSocket.opened[1]?.onopen?.();
    expect(FarSocket.opened[1]?.sent[0]?.request).toEqual({
      message: 'And then?',
      exchanges: 4,
      max_tokens_per_turn: 256,
      conversation_id: ID,
    });
    await until(() =>
      expect(all('.question p').map((text) => text.textContent)).toEqual(['Why?', 'And then?']),
    );
  });

  it('goes on while another page is looked at, and is put away for a new one', async () => {
    await open();
    const { say } = await ask();
    say(begin());
    await until(() => expect(badge()).toBe('streaming'));
    location.hash = '#/jobs';
    await until(() => expect(textOf('h1')).toBe('Jobs'));
    say(...turnOf(0, 'Meanwhile.'), response('completed', 2, null));
    location.hash = '#/converse';
    await until(() => expect(turns()).toEqual(['Meanwhile.']));
    named('New conversation').click();
    await until(() => expect(textOf('.stage')).toContain('Ask something'));
    expect(location.hash).toBe('#/converse');
    expect(document.activeElement).toBe(field('Question'));
  });
});

describe('a conversation from the record', () => {
  const hash = `#/converse/${ID}`;

  it('loads, is shown with its decision, and can be asked on', async () => {
    await open({ [GET]: conversation(1, { decision: decision(2, { message_id: idOf(1003) }) }) }, hash);
    await until(() => expect(turns()).toEqual(['Light is scattered.', 'By small molecules.']));
    expect(textOf('.turn-chosen .tag')).toBe('B');
    expect(field('Next question in this conversation').value).toBe('');
  });

  it('says that it loads, and why it does not', async () => {
    await open({ [GET]: never }, hash);
    expect(textOf('.stage')).toContain('Loading the conversation');
    await open({ [GET]: problem(404, 'not_found', 'No such conversation.') }, hash);
    await until(() => expect(textOf('.stage [role=alert]')).toContain('No such conversation.'));
  });

  it('that runs elsewhere is followed to its end by its events', async () => {
    const events = [begin(), ...turnOf(0, 'From afar.'), response('completed', 2, null)];
    const stream = events.map((event, seq) => `data: ${JSON.stringify({ ...event, seq })}\n\n`).join('');
    const messages = [record(0, 'user', { content: 'Why?' })];
    const { calledWith } = await open(
      { [GET]: conversation(1, { status: 'running', messages }), [EVENTS]: new Response(stream) },
      hash,
    );
    await until(() => expect(badge()).toBe('completed'));
    expect(turns()).toEqual(['From afar.']);
    expect(calledWith(EVENTS)).toHaveLength(1);
  });

  it('that runs elsewhere and whose events do not come says so', async () => {
    await open({ [GET]: conversation(1, { status: 'running' }), [EVENTS]: problem(503, 'x', 'No.') }, hash);
    await until(() => expect(textOf('.stage')).toContain('What it writes does not reach this page just now'));
    expect(badge()).toBe('running');
    expect(all('.stage [role=alert]')).toHaveLength(0);
  });
});
