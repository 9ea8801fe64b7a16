// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { never, openConsole, problem, until } from './support/console.ts';
import { model, stats } from './support/samples.ts';
import { all, named, textOf } from './support/screen.ts';

/** What reached the picture; a document without a canvas cannot draw it. */
const drawn = vi.hoisted(() => ({ plots: [] as { data: unknown[][]; destroyed: boolean }[] }));

vi.mock('uplot', () => ({
  default: class {
    readonly plot: { data: unknown[][]; destroyed: boolean };
    constructor(_options: unknown, data: unknown[][]) {
      this.plot = { data, destroyed: false };
      drawn.plots.push(this.plot);
    }
    setData(data: unknown[][]) {
      this.plot.data = data;
    }
    setSize() {}
    destroy() {
      this.plot.destroyed = true;
    }
  },
}));

const GET = 'GET /admin/stats';
let clock_s = 1_000;
/** The series outlives the page, so each test is later than the one before. */
const next = (more: object = {}) => {
  clock_s += 10;
  return stats(clock_s, more);
};

beforeEach(() => {
  drawn.plots = [];
});
afterEach(() => void vi.useRealTimers());

const figures = () => all('.chart-value').map((element) => element.textContent?.trim());
const cells = () => all('tbody tr').map((row) => [...row.children].map((cell) => cell.textContent?.trim()));

describe('the live page', () => {
  it('loads, and fails in words', async () => {
    openConsole('#/live', { [GET]: never });
    expect(textOf()).toContain('Loading figures');
    openConsole('#/live', { [GET]: problem(500, 'internal', 'It broke.') });
    await until(() => expect(textOf('[role=alert]')).toContain('Reading the figures did not work'));
    expect(textOf()).not.toContain('Loading figures');
  });

  it('tells who is no administrator what is needed', async () => {
    openConsole('#/live', { [GET]: problem(403, 'forbidden', 'No.') });
    await until(() => expect(textOf()).toContain('Live figures needs a key with the scope admin.'));
    expect(all('[role=alert]')).toHaveLength(0);
  });

  it('says the newest figures as text, each in its unit', async () => {
    openConsole('#/live', { [GET]: next() });
    await until(() => expect(figures()).toHaveLength(8));
    expect(figures()).toEqual([
      'p95 1.50 s',
      'p50 12 ms',
      expect.stringMatching(/^written/),
      expect.stringMatching(/^read/),
      'requests 3',
      'errors % 50',
      'waiting 11',
      'running 1',
    ]);
    expect(textOf('.table-head')).toContain('1,000 tokens read');
    expect(textOf('.table-head')).toContain('2,000 written in all');
  });

  it('says so where there is no figure', async () => {
    openConsole('#/live', { [GET]: next({ p50_ms: null, p95_ms: null, tokens_out_total: 0 }) });
    await until(() => expect(figures().slice(0, 3)).toEqual(['p95 –', 'p50 –', 'written –']));
  });

  it('lists each model once, with or without a queue, and a queue whose model is gone', async () => {
    const queue = (name: string) => ({
      model: name,
      running: 1,
      waiting_interactive: 2,
      waiting_batch: 3,
      capacity: 4,
    });
    const models = [model('alpha'), model('beta', { status: 'downloading', detail: '40 %' })];
    openConsole('#/live', { [GET]: next({ models, queues: [queue('alpha'), queue('gone')] }) });
    await until(() => expect(cells()).toHaveLength(3));
    expect(cells()).toEqual([
      ['alpha scripted, chat', 'ready', '1 of 4', '2', '3'],
      ['beta scripted, chat', 'downloading 40 %', '–', '–', '–'],
      ['gone', '–', '1 of 4', '2', '3'],
    ]);
  });

  it('says so when no model is known', async () => {
    openConsole('#/live', { [GET]: next({ models: [], queues: [] }) });
    await until(() => expect(textOf()).toContain('No model is known yet.'));
  });

  it('draws what it says, again after a change of theme, and takes it away when it is left', async () => {
    openConsole('#/live', { [GET]: next({ p95_ms: 77 }) });
    await until(() => expect(drawn.plots.filter((plot) => !plot.destroyed)).toHaveLength(4));
    const p95 = drawn.plots[0]?.data[1] ?? [];
    expect(p95[p95.length - 1]).toBe(77);
    named('Theme: system. Change it').click();
    await until(() => expect(drawn.plots).toHaveLength(8));
    expect(drawn.plots.filter((plot) => !plot.destroyed)).toHaveLength(4);
    location.hash = '#/keys';
    await until(() => expect(drawn.plots.every((plot) => plot.destroyed)).toBe(true));
  });

  it('asks every two seconds, keeps its figures through a fault, and takes one answer once', async () => {
    vi.useFakeTimers();
    const first = next();
    const answers = [first, first, problem(503, 'overloaded', 'Busy.'), next({ tokens_out_total: 2100 })];
    let asked = 0;
    openConsole('#/live', { [GET]: () => answers[Math.min(asked++, answers.length - 1)] });
    await vi.advanceTimersByTimeAsync(1500);
    await vi.dynamicImportSettled();
    const points = () => drawn.plots[0]?.data[0]?.length ?? 0;
    await vi.advanceTimersByTimeAsync(100);
    const before = points();
    expect(asked).toBe(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect([asked, points()]).toEqual([2, before]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(textOf('[role=alert]')).toContain('Busy.');
    expect(figures()).toHaveLength(8);
    await vi.advanceTimersByTimeAsync(2000);
    expect([asked, points()]).toEqual([4, before + 1]);
    expect(figures()[2]).toBe('written 10');
    expect(all('[role=alert]')).toHaveLength(0);
  });
});
