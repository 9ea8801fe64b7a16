// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { KEY, never, openConsole, problem, settle, until } from './support/console.ts';
import { all, field, fill, isNamed, named, one, submit, textOf } from './support/screen.ts';

const MODELS = 'GET /v1/models';
const kept = () => sessionStorage.getItem('mcp.key');
const signIn = async (key: string) => {
  fill('API key', key);
  await settle();
  submit('form');
};

describe('signing in', () => {
  it('asks for a key before it asks the gateway for anything', async () => {
    const { calls } = openConsole('#/keys', {}, null);
    await settle();
    expect(textOf('h1')).toBe('Sign in');
    expect(calls).toHaveLength(0);
    expect(isNamed('Sign out')).toBe(false);
    expect(field('API key').type).toBe('password');
  });

  it('tries the key, keeps it in the tab, and goes to the page that was asked for', async () => {
    const { calledWith } = openConsole('#/conversations', {}, null);
    await signIn(`  ${KEY} `);
    await until(() => expect(textOf('h1')).toBe('Conversations'));
    expect(calledWith(MODELS)[0]?.authorization).toBe(`Bearer ${KEY}`);
    expect(kept()).toBe(KEY);
    expect(localStorage.length).toBe(0);
  });

  it.each([
    [401, 'invalid_api_key', 'This key is not accepted. Said why.'],
    [429, 'rate_limited', 'Said why.'],
    [503, 'overloaded', 'Said why.'],
  ])('with a key that is answered by %i lets nobody in and says why', async (status, code, words) => {
    openConsole('#/converse', { [MODELS]: problem(status, code, 'Said why.') }, null);
    await signIn('mcp_wrong');
    await until(() => expect(textOf('[role=alert]')).toBe(words));
    expect(textOf('h1')).toBe('Sign in');
    expect(kept()).toBeNull();
    expect(field('API key').getAttribute('aria-invalid')).toBe('true');
    expect(field('API key').getAttribute('aria-describedby')).toBe(one('[role=alert]').id);
  });

  it('without a key says so and asks nobody', async () => {
    const { calls } = openConsole('#/converse', {}, null);
    await signIn('   ');
    await until(() => expect(textOf('[role=alert]')).toBe('Type or paste an API key first.'));
    expect(calls).toHaveLength(0);
  });

  it('is done once at a time', async () => {
    openConsole('#/converse', { [MODELS]: never }, null);
    await signIn(KEY);
    await until(() => expect((named('Checking …') as HTMLButtonElement).disabled).toBe(true));
  });

  it('by a link takes the key out of the address at once', async () => {
    openConsole(`#key=${encodeURIComponent('mcp_from/link')}`, {}, null);
    await until(() => expect(textOf('h1')).toBe('Converse'));
    expect(location.href).not.toContain('mcp_from');
    expect(kept()).toBe('mcp_from/link');
  });

  it('by a link in an open tab changes who is signed in', async () => {
    const { calledWith } = openConsole('#/converse');
    await until(() => expect(calledWith(MODELS)).not.toHaveLength(0));
    location.hash = '#key=mcp_other';
    await until(() => expect(calledWith(MODELS).at(-1)?.authorization).toBe('Bearer mcp_other'));
    expect(location.hash).toBe('#/converse');
  });
});

describe('a session', () => {
  it('ends when the reader signs out, and the key is forgotten', async () => {
    openConsole('#/conversations');
    named('Sign out').click();
    await until(() => expect(textOf('h1')).toBe('Sign in'));
    expect(kept()).toBeNull();
    expect(all('[role=alert]')).toHaveLength(0);
  });

  it.each([
    ['#/conversations', 'GET /v1/conversations'],
    ['#/jobs', 'GET /v1/jobs'],
    ['#/keys', 'GET /admin/keys'],
    ['#/live', 'GET /admin/stats'],
    ['#/converse', 'GET /v1/prompts'],
  ])('ends on %s when its key is no longer accepted, with the reason', async (hash, name) => {
    openConsole(hash, { [name]: problem(401, 'invalid_api_key', 'The key was revoked.') });
    await until(() => expect(textOf('h1')).toBe('Sign in'));
    expect(textOf('[role=alert]')).toBe('The key was revoked.');
    expect(kept()).toBeNull();
  });

  it('ends when a button’s call is answered by 401', async () => {
    openConsole('#/jobs', {
      'GET /v1/jobs': { jobs: [] },
      'POST /v1/jobs': problem(401, 'invalid_api_key', 'The key was revoked.'),
    });
    await until(() => expect((named('Create job') as HTMLButtonElement).disabled).toBe(false));
    submit('form');
    await until(() => expect(textOf('h1')).toBe('Sign in'));
  });
});

describe('the pages', () => {
  const PAGES = [
    ['Converse', '#/converse'],
    ['Conversations', '#/conversations'],
    ['Traces', '#/traces'],
    ['Live', '#/live'],
    ['Jobs', '#/jobs'],
    ['Keys', '#/keys'],
  ] as const;

  it.each(PAGES)('%s is at %s, marked in the navigation and named in the title', async (label, hash) => {
    openConsole(hash);
    await until(() => expect(textOf('h1')).toBe(label));
    expect(one('nav [aria-current=page]').textContent).toBe(label);
    expect(document.title).toBe(`${label} · Multi-Component Platform`);
    expect(named(label).getAttribute('href')).toBe(hash);
  });

  it('take the focus to their heading when they are reached, but not on the first', async () => {
    openConsole('#/converse');
    await settle();
    expect(document.activeElement?.id).not.toBe('page-title');
    for (const [label, hash] of PAGES.slice(1)) {
      location.hash = hash;
      await until(() => expect(document.activeElement?.textContent).toBe(label));
      expect(document.activeElement?.tagName).toBe('H1');
    }
  });

  it('that are not there say so and lead back', async () => {
    openConsole('#/admin/secret');
    await until(() => expect(textOf('h1')).toBe('No such page'));
    expect(textOf()).toContain('/admin/secret');
    expect(named('Start a conversation').getAttribute('href')).toBe('#/converse');
    expect(all('nav [aria-current]')).toHaveLength(0);
    expect(document.title).toContain('Not found');
  });

  it('can be skipped to', async () => {
    openConsole('#/jobs');
    named('Skip to content').click();
    expect(document.activeElement?.id).toBe('main');
  });
});

describe('the theme', () => {
  it('goes from the system’s to light, dark and back, and is kept', async () => {
    openConsole('#/jobs');
    await settle();
    for (const [before, after] of [
      ['system', 'light'],
      ['light', 'dark'],
      ['dark', 'system'],
    ] as const) {
      named(`Theme: ${before}. Change it`).click();
      await until(() => expect(isNamed(`Theme: ${after}. Change it`)).toBe(true));
      const expected = after === 'system' ? [undefined, null] : [after, after];
      expect([document.documentElement.dataset.theme, localStorage.getItem('mcp.theme')]).toEqual(expected);
    }
  });
});
