// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { never, openConsole, problem, settle, until } from './support/console.ts';
import { span, summary, TRACE } from './support/samples.ts';
import { all, fill, named, one, press, submit, textOf } from './support/screen.ts';

const GET = `GET /v1/traces/${TRACE}`;
const SPANS = [
  span('root', null, { duration_ms: 1000 }),
  span('core', 'root', { service: 'core', start_unix_ms: 1_000_100, duration_ms: 800 }),
  span('model', 'core', {
    service: 'model-gateway',
    start_unix_ms: 1_000_200,
    duration_ms: 500,
    status: 'error',
    status_message: 'It timed out.',
    attributes: { 'mcp.model': 'alpha', ratio: 0.123456789 },
    events: [{ name: 'retry', at_unix_ms: 1_000_300, attributes: { attempt: 2 } }],
  }),
  span('late', 'root', { start_unix_ms: 1_000_950, duration_ms: 50 }),
];
const open = async (spans = SPANS) => {
  const screen = openConsole(`#/traces/${TRACE}`, { [GET]: { spans } });
  await until(() => expect(all('[role=treeitem]')).toHaveLength(spans.length));
  return screen;
};
const rows = () => all('[role=treeitem]').map((row) => row.id.replace('span-', ''));
const chosen = () => one('[aria-selected=true]').id.replace('span-', '');
const row = (id: string) => one(`#span-${id}`);

describe('traces to choose from', () => {
  it('are those of the latest conversations', async () => {
    openConsole('#/traces');
    expect(textOf()).toContain('Loading recent traces');
    await until(() => expect(one('a.item').getAttribute('href')).toBe(`#/traces/${summary(1).trace_id}`));
  });

  it('are none while no conversation was held', async () => {
    openConsole('#/traces', { 'GET /v1/conversations': { conversations: [], next_cursor: null } });
    await until(() => expect(textOf()).toContain('No conversation has left a trace yet.'));
  });

  it('are looked up by an id, blanks around it cut, and not by blanks alone', async () => {
    openConsole('#/traces', { [GET]: { spans: SPANS } });
    await until(() => fill('Trace id', '   '));
    await settle();
    submit('.lookup');
    expect(location.hash).toBe('#/traces');
    fill('Trace id', ` ${TRACE} `);
    await settle();
    submit('.lookup');
    await until(() => expect(all('[role=treeitem]')).toHaveLength(4));
    expect(location.hash).toBe(`#/traces/${TRACE}`);
  });
});

describe('one trace', () => {
  it('says that it loads', () => {
    openConsole(`#/traces/${TRACE}`, { [GET]: never });
    expect(textOf()).toContain('Loading the trace');
  });

  it('without spans says when they come', async () => {
    openConsole(`#/traces/${TRACE}`, { [GET]: { spans: [] } });
    await until(() => expect(textOf()).toContain('This trace has no spans yet.'));
  });

  it('that is not there says so, and is asked for again', async () => {
    let there = false;
    openConsole(`#/traces/${TRACE}`, {
      [GET]: () => (there ? { spans: SPANS } : problem(404, 'not_found', 'No such trace.')),
    });
    await until(() => expect(textOf('[role=alert]')).toContain('No such trace.'));
    there = true;
    named('Try again').click();
    await until(() => expect(rows()).toHaveLength(4));
  });

  it('is a tree of spans, each with its level and its place on the time line', async () => {
    await open();
    expect(rows()).toEqual(['root', 'core', 'model', 'late']);
    expect(all('[role=treeitem]').map((item) => item.getAttribute('aria-level'))).toEqual([
      '1',
      '2',
      '3',
      '2',
    ]);
    expect(all('[role=treeitem]').map((item) => item.getAttribute('aria-expanded'))).toEqual([
      'true',
      'true',
      null,
      null,
    ]);
    const bar = row('model').querySelector('rect');
    expect([bar?.getAttribute('x'), bar?.getAttribute('width')]).toEqual(['200', '500']);
    expect(row('model').classList.contains('span-failed')).toBe(true);
    expect(textOf('p.meta')).toContain('gateway → core → model-gateway');
  });

  it('is walked with the keys: one row has the focus, and its details are shown', async () => {
    await open();
    expect(chosen()).toBe('root');
    const steps: [string, string][] = [
      ['ArrowUp', 'root'],
      ['ArrowDown', 'core'],
      ['ArrowDown', 'model'],
      ['End', 'late'],
      ['ArrowDown', 'late'],
      ['ArrowUp', 'model'],
      ['Home', 'root'],
    ];
    for (const [key, expected] of steps) {
      expect(press(key, row(chosen()))).toBe(true);
      await until(() => expect(chosen()).toBe(expected));
      expect(document.activeElement?.id).toBe(`span-${expected}`);
      expect(all('[role=treeitem][tabindex="0"]')).toHaveLength(1);
      expect(textOf('.span-details h2')).toBe(`work ${expected}`);
    }
    expect(press('x', row('root'))).toBe(false);
  });

  it('is folded and unfolded with the keys and by a double click', async () => {
    await open();
    row('core').click();
    await until(() => expect(chosen()).toBe('core'));
    press('ArrowLeft', row('core'));
    await until(() => expect(rows()).toEqual(['root', 'core', 'late']));
    expect(row('core').getAttribute('aria-expanded')).toBe('false');
    expect(press('ArrowLeft', row('core'))).toBe(false);
    press('ArrowRight', row('core'));
    await until(() => expect(rows()).toHaveLength(4));
    row('root').dispatchEvent(new Event('dblclick', { bubbles: true }));
    await until(() => expect(rows()).toEqual(['root']));
  });

  it('shows of a span what happened in it', async () => {
    await open();
    row('model').click();
    await until(() => expect(textOf('.span-details h2')).toBe('work model'));
    const facts = new Map(
      all('.span-details tr').map((line) => [
        line.querySelector('th')?.textContent,
        line.querySelector('td')?.textContent,
      ]),
    );
    expect(Object.fromEntries(facts)).toEqual({
      'starts after': '200 ms',
      duration: '500 ms',
      'span id': 'model',
      parent: 'core',
      'mcp.model': 'alpha',
      ratio: '0.123457',
    });
    expect(textOf('.span-details')).toContain('It timed out.');
    expect(textOf('.span-events')).toContain('retry after 100 ms');
    expect(textOf('.span-events')).toContain('{"attempt":2}');
  });

  it('shows a thousand spans, and spans that name each other as parents', async () => {
    const chain = Array.from({ length: 1000 }, (_, at) => span(`s${at}`, at === 0 ? 's999' : `s${at - 1}`));
    await open(chain);
    expect(new Set(rows()).size).toBe(1000);
  });

  it('is read anew when asked to', async () => {
    const { calledWith } = await open();
    named('Reload').click();
    await until(() => expect(calledWith(GET)).toHaveLength(2));
    await until(() => expect(rows()).toHaveLength(4));
  });
});
