// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { never, openConsole, problem, until } from './support/console.ts';
import { idOf, job, summary } from './support/samples.ts';
import { all, field, fill, isNamed, named, one, submit, textOf } from './support/screen.ts';

afterEach(() => void vi.restoreAllMocks());

const LIST = 'GET /v1/jobs';
const MAKE = 'POST /v1/jobs';
const short = idOf(1).slice(0, 8);

describe('the list of jobs', () => {
  it('loads, is empty, and fails in words', async () => {
    openConsole('#/jobs', { [LIST]: never });
    expect(textOf()).toContain('Loading jobs');
    openConsole('#/jobs', { [LIST]: { jobs: [] } });
    await until(() => expect(textOf()).toContain('No job was made yet.'));
    openConsole('#/jobs', { [LIST]: problem(500, 'internal', 'It broke.') });
    await until(() => expect(textOf('[role=alert]')).toContain('Loading the jobs did not work'));
    expect(textOf()).not.toContain('No job was made yet.');
  });

  it.each([
    ['queued', true, false],
    ['running', true, false],
    ['retrying', true, false],
    ['completed', false, false],
    ['cancelled', false, false],
    ['dead', false, true],
  ] as const)('offers for a %s job what can be done with it', async (status, cancel, again) => {
    openConsole('#/jobs', { [LIST]: { jobs: [job(1, { status })] } });
    await until(() => expect(textOf('.job .badge')).toBe(status));
    expect(isNamed(`Cancel export ${short}`)).toBe(cancel);
    expect(isNamed(`Send export ${short} again`)).toBe(again);
    expect(all('progress')).toHaveLength(cancel ? 1 : 0);
    expect(all('.job details')).toHaveLength(status === 'completed' ? 1 : 0);
  });

  it.each([
    [{ done: 1, total: 4, note: 'reading' }, '1', '1 of 4 – reading'],
    [{ done: 9, total: 4, note: '' }, '4', '9 of 4'],
    [{ done: 0, total: 0, note: 'counting' }, null, 'counting'],
  ])('shows progress %j within its bounds', async (progress, value, words) => {
    openConsole('#/jobs', { [LIST]: { jobs: [job(1, { status: 'running', progress })] } });
    await until(() => expect(textOf('.job-progress')).toBe(words));
    expect(one('progress').getAttribute('value')).toBe(value);
  });

  it('tells why a job failed and how often it was tried', async () => {
    const error = { code: 'upstream_timeout', message: 'The model was silent.' };
    openConsole('#/jobs', { [LIST]: { jobs: [job(1, { status: 'dead', attempt: 3, error })] } });
    await until(() => expect(textOf('.job-error')).toBe('upstream_timeout The model was silent.'));
    expect(textOf('.job-head')).toContain('attempt 3 of 3');
  });

  it.each([
    ['running', 'cancel', `Cancel export ${short}`],
    ['dead', 'retry', `Send export ${short} again`],
  ] as const)('of a %s one can be told to %s it, and is read anew', async (status, verb, name) => {
    const route = `POST /v1/jobs/${idOf(1)}/${verb}`;
    const { calls } = openConsole('#/jobs', { [LIST]: { jobs: [job(1, { status })] }, [route]: {} });
    await until(() => named(name).click());
    await until(() => {
      const names = calls.map((call) => call.name);
      expect(names.slice(names.indexOf(route))).toContain(LIST);
    });
  });

  it('shows why a job could not be cancelled', async () => {
    openConsole('#/jobs', {
      [LIST]: { jobs: [job(1, { status: 'running' })] },
      [`POST /v1/jobs/${idOf(1)}/cancel`]: problem(409, 'conflict', 'It has just ended.'),
    });
    await until(() => named(`Cancel export ${short}`).click());
    await until(() => expect(textOf('.job [role=alert]')).toContain('It has just ended.'));
  });
});

describe('a new job', () => {
  it.each([
    ['summarize-conversation', { kind: 'summarize-conversation', conversation_id: idOf(2) }],
    ['export', { kind: 'export', conversation_ids: [idOf(2)], format: 'jsonl' }],
    ['export-all', { kind: 'export', format: 'jsonl' }],
  ])('of kind %s is asked for as the contract says', async (wish, spec) => {
    const { calledWith } = openConsole('#/jobs', {
      [LIST]: { jobs: [] },
      [MAKE]: {},
      'GET /v1/conversations': { conversations: [summary(1), summary(2)], next_cursor: null },
    });
    await until(() => expect(field('Conversation').querySelectorAll('option')).toHaveLength(2));
    fill('Conversation', idOf(2));
    fill('Work', wish);
    await until(() => expect(all('form select')).toHaveLength(wish === 'export-all' ? 1 : 2));
    submit('form');
    await until(() => expect(calledWith(MAKE)[0]?.body).toMatchObject({ spec }));
    await until(() => expect(calledWith(LIST).length).toBeGreaterThan(1));
  });

  it('cannot be made about a conversation while none is on record', async () => {
    const { calledWith } = openConsole('#/jobs', {
      [LIST]: { jobs: [] },
      [MAKE]: {},
      'GET /v1/conversations': { conversations: [], next_cursor: null },
    });
    await until(() => expect(textOf('form')).toContain('None is on record yet'));
    expect((named('Create job') as HTMLButtonElement).disabled).toBe(true);
    submit('form');
    fill('Work', 'export-all');
    await until(() => expect((named('Create job') as HTMLButtonElement).disabled).toBe(false));
    expect(calledWith(MAKE)).toHaveLength(0);
  });

  it('that is refused says why', async () => {
    openConsole('#/jobs', {
      [LIST]: { jobs: [] },
      [MAKE]: problem(429, 'rate_limited', 'Too many jobs. Try again in 5 s.'),
    });
    await until(() => expect((named('Create job') as HTMLButtonElement).disabled).toBe(false));
    submit('form');
    await until(() => expect(textOf('form [role=alert]')).toContain('Too many jobs.'));
  });
});

describe('the result of a job', () => {
  const open = async (result: unknown, more: object = {}) => {
    const saved: { name: string; text: Promise<string> }[] = [];
    let blob = new Blob();
    vi.spyOn(URL, 'createObjectURL').mockImplementation((made) => {
      blob = made as Blob;
      return 'blob:x';
    });
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved.push({ name: this.download, text: blob.text() });
    });
    const screen = openConsole('#/jobs', {
      [LIST]: { jobs: [job(1)] },
      [`GET /v1/jobs/${idOf(1)}`]: job(1, { result }),
      ...more,
    });
    await until(() => expect(all('.job details')).toHaveLength(1));
    expect(screen.calledWith(`GET /v1/jobs/${idOf(1)}`)).toHaveLength(0);
    const details = one<HTMLDetailsElement>('.job details');
    details.open = true;
    details.dispatchEvent(new Event('toggle'));
    await until(() => expect(isNamed('Download')).toBe(true));
    return { ...screen, saved };
  };

  it('is asked for when it is opened; a summary is shown as text', async () => {
    await open({ summary: '<b>Both</b> agree.' });
    expect(textOf('.job-summary')).toBe('<b>Both</b> agree.');
    expect(all('.job-summary b')).toHaveLength(0);
  });

  it('is saved as JSON where it is in the job itself', async () => {
    const { saved } = await open({ vectors: 3 });
    named('Download').click();
    await until(() => expect(saved).toHaveLength(1));
    expect(saved[0]?.name).toBe(`export-${short}.json`);
    expect(JSON.parse((await saved[0]?.text) ?? '')).toEqual({ vectors: 3 });
  });

  it('is fetched as it lies where the job only names its file', async () => {
    const file = `GET /v1/jobs/${idOf(1)}/result`;
    const { saved, calledWith } = await open({ href: '/x' }, { [file]: new Response('{"a":1}\n') });
    named('Download').click();
    await until(() => expect(saved).toHaveLength(1));
    expect(calledWith(file)).toHaveLength(1);
    expect(saved[0]?.name).toBe(`export-${short}.jsonl`);
    expect(await saved[0]?.text).toBe('{"a":1}\n');
  });

  it('that is gone saves nothing and says why', async () => {
    const { saved } = await open(
      { href: '/x' },
      { [`GET /v1/jobs/${idOf(1)}/result`]: problem(404, 'not_found', 'It was deleted.') },
    );
    named('Download').click();
    await until(() => expect(textOf('.job [role=alert]')).toContain('It was deleted.'));
    expect(saved).toHaveLength(0);
  });
});
