// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { never, openConsole, problem, until } from './support/console.ts';
import { conversation, decision, idOf, record, summary } from './support/samples.ts';
import { all, field, fill, isNamed, named, one, press, textOf } from './support/screen.ts';

const LIST = 'GET /v1/conversations';
const FIRST = `GET /v1/conversations/${idOf(1)}`;
const VERIFY = `POST /v1/conversations/${idOf(1)}/verify`;
const page = (conversations: readonly unknown[], next_cursor: string | null = null) => ({
  conversations,
  next_cursor,
});
const titles = () => all('.item-title').map((element) => element.textContent);

describe('the list of conversations', () => {
  it('says that it loads for as long as no answer comes', async () => {
    const { calledWith } = openConsole('#/conversations', { [LIST]: never });
    await until(() => expect(calledWith(LIST)).toHaveLength(1));
    expect(textOf()).toContain('Loading conversations');
    expect(textOf()).not.toContain('Nothing is on record');
  });

  it('says what to do when there is nothing yet', async () => {
    openConsole('#/conversations', { [LIST]: page([]) });
    await until(() => expect(textOf()).toContain('Nothing is on record yet.'));
    expect(named('Start a conversation').getAttribute('href')).toBe('#/converse');
    expect(textOf()).not.toContain('Loading conversations');
  });

  it('shows a fault with its code and trace, and asks again when told to', async () => {
    let up = false;
    openConsole('#/conversations', {
      [LIST]: () => (up ? page([summary(1)]) : problem(503, 'overloaded', 'Too busy. Try again in 2 s.')),
    });
    await until(() => expect(textOf('[role=alert]')).toContain('Too busy. Try again in 2 s.'));
    expect(textOf('[role=alert]')).toContain('overloaded');
    expect(named('Trace').getAttribute('href')).toBe(`#/traces/${'b'.repeat(32)}`);
    up = true;
    named('Try again').click();
    await until(() => expect(titles()).toEqual(['Question 1']));
    expect(all('[role=alert]')).toHaveLength(0);
  });

  it('shows a long list whole, the newest first, and marks the one that is open', async () => {
    const many = Array.from({ length: 300 }, (_, at) => summary(at + 1));
    openConsole(`#/conversations/${idOf(1)}`, { [LIST]: page([...many].reverse()) });
    await until(() => expect(titles()).toHaveLength(300));
    expect(titles()[0]).toBe('Question 1');
    expect(titles()[299]).toBe('Question 300');
    expect(all('[aria-current=true]').map((element) => element.textContent)).toEqual([
      expect.stringContaining('Question 1'),
    ]);
    expect(all('[role=status]').map((element) => element.textContent)).toContain('300 conversations');
  });

  it.each([
    ['a title', 'question 2', ['Question 2']],
    ['a model, whatever its case', 'SMALL', ['Question 3']],
    ['an id', idOf(1), ['Question 1']],
    ['blanks', '   ', ['Question 1', 'Question 2', 'Question 3']],
  ])('is searched by %s', async (_, search, expected) => {
    openConsole('#/conversations', {
      [LIST]: page([summary(1), summary(2), summary(3, { models: ['small'] })]),
    });
    await until(() => expect(titles()).toHaveLength(3));
    fill('Search', search);
    await until(() => expect(titles()).toEqual(expected));
  });

  it('is filtered by status, and says how to see all again', async () => {
    openConsole('#/conversations', { [LIST]: page([summary(1), summary(2, { status: 'failed' })]) });
    await until(() => expect(titles()).toHaveLength(2));
    fill('Status', 'failed');
    await until(() => expect(titles()).toEqual(['Question 2']));
    fill('Search', 'no such words');
    await until(() => expect(textOf()).toContain('Nothing matches.'));
    expect(textOf()).not.toContain('Nothing is on record');
  });

  it('fetches older pages to the last one, each conversation once', async () => {
    const older = new Map([
      ['p2', page([summary(2), summary(3)], 'p3')],
      ['p3', page([summary(4)])],
    ]);
    const { calledWith } = openConsole('#/conversations', {
      [LIST]: ({ query }: { query: URLSearchParams }) =>
        older.get(query.get('cursor') ?? '') ?? page([summary(1), summary(2)], 'p2'),
    });
    await until(() => expect(titles()).toHaveLength(2));
    named('Show older ones').click();
    await until(() => expect(titles()).toEqual(['Question 1', 'Question 2', 'Question 3']));
    named('Show older ones').click();
    await until(() => expect(titles()).toHaveLength(4));
    expect(isNamed('Show older ones')).toBe(false);
    expect(calledWith(LIST).map(({ query }) => query.get('cursor'))).toEqual([null, 'p2', 'p3']);
    expect(calledWith(LIST)[0]?.query.get('limit')).toBe('50');
  });

  it('says why older ones do not come, and lets them be asked for again', async () => {
    let up = false;
    openConsole('#/conversations', {
      [LIST]: ({ query }: { query: URLSearchParams }) => {
        if (query.get('cursor') === null) return page([summary(1)], 'p2');
        return up ? page([summary(2)]) : problem(503, 'overloaded', 'Busy.');
      },
    });
    await until(() => named('Show older ones').click());
    await until(() => expect(textOf('[role=alert]')).toContain('Loading older ones did not work'));
    expect(titles()).toEqual(['Question 1']);
    up = true;
    named('Show older ones').click();
    await until(() => expect(titles()).toEqual(['Question 1', 'Question 2']));
    expect(all('[role=alert]')).toHaveLength(0);
  });

  it('calls a conversation without a title so', async () => {
    openConsole('#/conversations', { [LIST]: page([summary(1, { title: '' })]) });
    await until(() => expect(titles()).toEqual(['Untitled']));
  });

  it('is asked for again while something runs, and keeps what it shows when that fails', async () => {
    vi.useFakeTimers();
    try {
      let asked = 0;
      openConsole('#/conversations', {
        [LIST]: () =>
          ++asked === 1 ? page([summary(1, { status: 'running' })]) : problem(503, 'overloaded', 'Busy.'),
      });
      await vi.advanceTimersByTimeAsync(1000);
      expect(asked).toBe(1);
      await vi.advanceTimersByTimeAsync(3000);
      expect(asked).toBe(2);
      expect(titles()).toEqual(['Question 1']);
      expect(textOf('[role=alert]')).toContain('Busy.');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a conversation on record', () => {
  it('is shown with its models, its steps in order and its system prompts apart', async () => {
    openConsole(`#/conversations/${idOf(1)}`);
    await until(() => expect(all('.step')).toHaveLength(3));
    expect(all('.step .tag').map((tag) => tag.textContent)).toEqual(['You', 'A', 'B']);
    expect(one('.step strong').textContent).toBe('scattered');
    expect(textOf('.record .meta')).toContain('model-1 and model-2');
    expect(textOf('.replay > details')).toContain('Be exact.');
    expect(document.activeElement?.textContent).toBe('Question 1');
  });

  it('shows what was recorded beside the words', async () => {
    const messages = [
      record(0, 'user', { pii_tags: ['email'] }),
      record(1, 'modelA', {
        reasoning: 'Think twice.',
        usage: { input_tokens: 1234, output_tokens: 5 },
        finish_reason: { unified: 'length', raw: 'max_tokens' },
        budget: { input_tokens: 9, limit_tokens: 8, exact: true, action: 'truncated', dropped_messages: 3 },
      }),
      record(2, 'decision', { decision: decision(2) }),
    ];
    openConsole(`#/conversations/${idOf(1)}`, { [FIRST]: conversation(1, { messages }) });
    await until(() => expect(all('.step')).toHaveLength(3));
    const [question, turn, decided] = all('.step').map((step) => step.textContent);
    expect(question).toContain('personal data: email');
    for (const words of [
      'Hidden reasoning (12 characters)',
      '1,234 in · 5 out',
      'cut at the token limit',
      'context truncated, 3 dropped',
    ])
      expect(turn).toContain(words);
    expect(decided).toContain('Decision: model B');
  });

  it('that runs is asked for again after a fault and in a tab that was hidden, until it has ended', async () => {
    vi.useFakeTimers();
    const hidden = vi.spyOn(document, 'hidden', 'get');
    try {
      const answers = [
        conversation(1, { status: 'running' }),
        problem(503, 'overloaded', 'Busy.'),
        conversation(1, { status: 'running' }),
        conversation(1),
      ];
      const { calledWith } = openConsole(`#/conversations/${idOf(1)}`, { [FIRST]: () => answers.shift() });
      const asked = async (ms: number) => {
        await vi.advanceTimersByTimeAsync(ms);
        return calledWith(FIRST).length;
      };
      expect(await asked(1000)).toBe(1);
      expect(await asked(3000)).toBe(2);
      expect(await asked(3000)).toBe(3);
      hidden.mockReturnValue(true);
      expect(await asked(9000)).toBe(3);
      hidden.mockReturnValue(false);
      expect(await asked(3000)).toBe(4);
      expect(await asked(60_000)).toBe(4);
      expect(textOf('.record-head .badge')).toBe('completed');
    } finally {
      hidden.mockRestore();
      vi.useRealTimers();
    }
  });

  it('says what went wrong when it cannot be opened', async () => {
    openConsole(`#/conversations/${idOf(9)}`);
    await until(() =>
      expect(textOf('.record [role=alert]')).toContain('Opening the conversation did not work'),
    );
    expect(textOf('.record [role=alert]')).toContain('not_found');
    expect(named('← All conversations').getAttribute('href')).toBe('#/conversations');
  });

  it.each([
    ['ok', 'notice-good', 'The chain is intact'],
    ['unconfirmed', 'notice-warn', 'Not confirmed yet'],
    ['broken', 'notice-bad', 'first at record 3'],
  ])('that was verified as %s says so', async (status, tone, words) => {
    const verdict = {
      id: idOf(1),
      ok: status === 'ok',
      status,
      records: 4,
      broken_at: 3,
      reason: 'It does.',
      head: 'c'.repeat(64),
    };
    openConsole(`#/conversations/${idOf(1)}`, { [VERIFY]: verdict });
    await until(() => named('Verify the chain').click());
    await until(() => expect(textOf(`.${tone}`)).toContain(words));
  });

  it('offers what its status allows, and hands work to the task engine once a click', async () => {
    const running = openConsole(`#/conversations/${idOf(1)}`, {
      [FIRST]: conversation(1, { status: 'interrupted' }),
      'POST /v1/jobs': {},
    });
    await until(() => expect(isNamed('Open and resume')).toBe(true));
    named('Summarise').click();
    await until(() => expect(textOf('.actions-note')).toContain('The job is queued.'));
    named('Export').click();
    await until(() => expect(running.calledWith('POST /v1/jobs')).toHaveLength(2));
    const [summarise, save] = running.calledWith('POST /v1/jobs').map(({ body }) => body);
    expect(summarise).toMatchObject({ spec: { kind: 'summarize-conversation', conversation_id: idOf(1) } });
    expect(save).toMatchObject({ spec: { kind: 'export', conversation_ids: [idOf(1)], format: 'jsonl' } });
    const keys = [summarise, save].map((body) => (body as { idempotency_key: string }).idempotency_key);
    expect(new Set(keys).size).toBe(2);
    openConsole(`#/conversations/${idOf(1)}`);
    await until(() => expect(isNamed('Open and ask on')).toBe(true));
  });
});

describe('the player of a record', () => {
  const place = () => textOf('output');
  const open = async () => {
    openConsole(`#/conversations/${idOf(1)}`);
    await until(() => expect(place()).toBe('3 / 3'));
    // The keys are listened to from when the page has arrived.
    await until(() => expect(document.activeElement?.tagName).toBe('H2'));
  };

  it('is stepped with the arrow keys, within its bounds', async () => {
    await open();
    expect(press('ArrowRight')).toBe(true);
    await until(() => expect(place()).toBe('3 / 3'));
    for (const expected of ['2 / 3', '1 / 3', '0 / 3', '0 / 3']) {
      expect(press('ArrowLeft')).toBe(true);
      await until(() => expect(place()).toBe(expected));
    }
    expect(all('.step')).toHaveLength(0);
    expect(textOf('.replay')).toContain('Press play.');
    press('ArrowRight');
    await until(() => expect(all('.step .tag').map((tag) => tag.textContent)).toEqual(['You']));
  });

  it('leaves keys alone in a field, with a modifier, and space on a button', async () => {
    await open();
    expect(press('ArrowLeft', field('Search'))).toBe(false);
    expect(press('ArrowLeft', document.body, { ctrlKey: true })).toBe(false);
    expect(press('ArrowLeft', document.body, { altKey: true })).toBe(false);
    expect(press(' ', named('Play'))).toBe(false);
    expect(press('x', document.body)).toBe(false);
    expect(place()).toBe('3 / 3');
  });

  it('plays from the beginning with space, and pauses with it', async () => {
    await open();
    press(' ', document.body);
    await until(() => expect(isNamed('Pause')).toBe(true));
    expect(place()).not.toBe('3 / 3');
    press(' ', document.body);
    await until(() => expect(isNamed('Play')).toBe(true));
  });

  it('plays to the end by itself', async () => {
    await open();
    fill('Speed', '4');
    named('Play').click();
    await until(() => expect(isNamed('Pause')).toBe(true));
    await until(() => expect(place()).toBe('3 / 3'));
    expect(isNamed('Play')).toBe(true);
    expect(all('.step')).toHaveLength(3);
  });

  it('goes where its slider is put', async () => {
    await open();
    const slider = field('Step');
    slider.value = '1';
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await until(() => expect(place()).toBe('1 / 3'));
    named('One step on').click();
    await until(() => expect(place()).toBe('2 / 3'));
    named('One step back').click();
    await until(() => expect(place()).toBe('1 / 3'));
  });
});

describe('a log file', () => {
  const choose = (name: string, content: string) => {
    const input = one<HTMLInputElement>('input[type=file]');
    Object.defineProperty(input, 'files', { configurable: true, value: [new File([content], name)] });
    input.dispatchEvent(new Event('change', { bubbles: true }));
  };
  const signed = { head: 'c'.repeat(64), mac: 'd'.repeat(64), messages: [] };

  it.each([
    ['no JSON', '{', 'is not a JSON file of at most 4 MiB'],
    ['too much', ' '.repeat(4 * 1024 * 1024 + 1), 'is not a JSON file of at most 4 MiB'],
    ['no object', '[]', 'carries no signature'],
    ['null', 'null', 'carries no signature'],
    ['no signature', '{"head":"x"}', 'carries no signature'],
  ])('with %s is refused before it is sent', async (_, content, words) => {
    const { calledWith } = openConsole('#/conversations');
    choose('log.json', content);
    await until(() => expect(textOf('.verify-file')).toContain(words));
    expect(textOf('.verify-file [role=alert]')).toContain('log.json');
    expect(calledWith('POST /v1/verify')).toHaveLength(0);
  });

  it('is sent as it is, and its verdict names it', async () => {
    const verdict = {
      id: idOf(1),
      ok: true,
      status: 'ok',
      records: 1,
      broken_at: null,
      reason: null,
      head: null,
    };
    const { calledWith } = openConsole('#/conversations', { 'POST /v1/verify': verdict });
    choose('old.json', JSON.stringify(signed));
    await until(() => expect(textOf('.verify-file')).toContain('old.json: 1 record, each with'));
    expect(calledWith('POST /v1/verify')[0]?.body).toEqual(signed);
  });

  it('that the gateway refuses shows why', async () => {
    openConsole('#/conversations', { 'POST /v1/verify': problem(400, 'invalid_request', 'No version.') });
    choose('old.json', JSON.stringify(signed));
    await until(() => expect(textOf('.verify-file [role=alert]')).toContain('No version.'));
  });
});
