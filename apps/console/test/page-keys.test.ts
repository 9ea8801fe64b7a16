// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { never, openConsole, problem, settle, until } from './support/console.ts';
import { apiKey, idOf } from './support/samples.ts';
import { all, field, fill, isNamed, named, one, submit, textOf } from './support/screen.ts';

const LIST = 'GET /admin/keys';
const MAKE = 'POST /admin/keys';
const REVOKE = `DELETE /admin/keys/${idOf(1)}`;
const DAY_MS = 86_400_000;
const open = async (answers: object = {}) => {
  const screen = openConsole('#/keys', { [LIST]: { keys: [apiKey(1)] }, ...answers });
  await until(() => expect(all('tbody tr')).toHaveLength(1));
  return screen;
};
const isDisabled = (name: string) => (named(name) as HTMLButtonElement).disabled;

describe('the list of keys', () => {
  it('loads, is empty, and fails in words', async () => {
    openConsole('#/keys', { [LIST]: never });
    expect(textOf()).toContain('Loading keys');
    expect(isNamed('New key')).toBe(false);
    openConsole('#/keys', { [LIST]: { keys: [] } });
    await until(() => expect(textOf()).toContain('No key was made here yet.'));
    expect(isNamed('New key')).toBe(true);
    openConsole('#/keys', { [LIST]: problem(500, 'internal', 'It broke.') });
    await until(() => expect(textOf('[role=alert]')).toContain('Loading the keys did not work'));
  });

  it('tells who is no administrator what is needed, without an alarm', async () => {
    openConsole('#/keys', { [LIST]: problem(403, 'forbidden', 'No.') });
    await until(() => expect(textOf()).toContain("This key is not an administrator's"));
    expect(all('[role=alert]')).toHaveLength(0);
    expect(isNamed('New key')).toBe(false);
  });

  it.each([
    ['valid', {}, true],
    ['valid', { expires_at: new Date(Date.now() + DAY_MS).toISOString() }, true],
    ['expired', { expires_at: '2020-01-01T00:00:00.000Z' }, true],
    ['revoked', { revoked_at: '2020-01-01T00:00:00.000Z' }, false],
    ['revoked', { revoked_at: '2021-01-01T00:00:00.000Z', expires_at: '2020-01-01T00:00:00.000Z' }, false],
  ])('shows a %s key (%j) and whether it can be revoked', async (status, more, revocable) => {
    await open({ [LIST]: { keys: [apiKey(1, more)] } });
    expect(textOf('tbody .badge')).toBe(status);
    expect(isNamed('Revoke key 1')).toBe(revocable);
  });
});

describe('a new key', () => {
  const openForm = async (answers: object = {}) => {
    const screen = await open(answers);
    named('New key').click();
    await until(() => expect(one<HTMLDialogElement>('dialog').open).toBe(true));
    return screen;
  };

  it('needs a name and a scope', async () => {
    await openForm();
    expect(isDisabled('Create key')).toBe(true);
    for (const [name, disabled] of [
      ['   ', true],
      ['robot', false],
      ['', true],
      ['robot', false],
    ] as const) {
      fill('Name', name);
      await until(() => expect(isDisabled('Create key')).toBe(disabled));
    }
    for (const box of all<HTMLInputElement>('[type=checkbox]').filter((each) => each.checked)) {
      box.click();
      await settle();
    }
    await until(() => expect(isDisabled('Create key')).toBe(true));
    all<HTMLInputElement>('[type=checkbox]')[2]?.click();
    await until(() => expect(isDisabled('Create key')).toBe(false));
  });

  it.each([
    ['', null],
    ['1', 1],
    ['30', 30],
    ['365', 365],
  ])('that expires in "%s" days is asked for so, shown once and listed', async (days, expected) => {
    const { calledWith } = await openForm({ [MAKE]: { key: 'mcp_secret', record: apiKey(2) } });
    fill('Name', ' robot ');
    fill('Expires', days);
    await settle();
    submit('dialog form');
    await until(() => expect(field('Key').value).toBe('mcp_secret'));
    const body = calledWith(MAKE)[0]?.body as { name: string; scopes: string[]; expires_at: string | null };
    expect(body).toMatchObject({ name: 'robot', scopes: ['chat', 'jobs'] });
    if (expected === null) expect(body.expires_at).toBeNull();
    else expect(Math.round((Date.parse(body.expires_at ?? '') - Date.now()) / DAY_MS)).toBe(expected);
    expect(textOf('dialog')).toContain('It is not shown again');
    await until(() => expect(calledWith(LIST)).toHaveLength(2));
    named('Done').click();
    await until(() => expect(all('dialog')).toHaveLength(0));
    expect(document.body.innerHTML).not.toContain('mcp_secret');
  });

  it('that is refused keeps what was typed and says why', async () => {
    await openForm({ [MAKE]: problem(400, 'invalid_request', 'The name is taken.') });
    fill('Name', 'robot');
    await settle();
    submit('dialog form');
    await until(() => expect(textOf('dialog [role=alert]')).toContain('The name is taken.'));
    expect(field('Name').value).toBe('robot');
  });

  it('is given up by Cancel and by Esc, and the focus goes back', async () => {
    for (const leave of [() => named('Cancel').click(), () => one<HTMLDialogElement>('dialog').close()]) {
      const { calledWith } = await open();
      named('New key').focus();
      named('New key').click();
      await until(() => expect(one<HTMLDialogElement>('dialog').open).toBe(true));
      leave();
      await until(() => expect(all('dialog')).toHaveLength(0));
      await until(() => expect(document.activeElement?.textContent).toBe('New key'));
      expect(calledWith(MAKE)).toHaveLength(0);
    }
  });
});

describe('revoking a key', () => {
  const ask = async (answers: object) => {
    const screen = await open(answers);
    named('Revoke key 1').click();
    await until(() => expect(textOf('dialog')).toContain('This cannot be undone.'));
    return screen;
  };

  it('is asked about first, and can be left', async () => {
    const { calledWith } = await ask({ [REVOKE]: undefined });
    named('Keep it').click();
    await until(() => expect(all('dialog')).toHaveLength(0));
    expect(calledWith(REVOKE)).toHaveLength(0);
  });

  it('closes the question once it is done, and reads the list anew', async () => {
    const { calledWith } = await ask({ [REVOKE]: undefined });
    named('Revoke key').click();
    await until(() => expect(all('dialog')).toHaveLength(0));
    expect(calledWith(REVOKE)).toHaveLength(1);
    await until(() => expect(calledWith(LIST)).toHaveLength(2));
  });

  it('that fails says so and leaves the question open', async () => {
    const { calledWith } = await ask({ [REVOKE]: problem(503, 'unavailable', 'Not now.') });
    named('Revoke key').click();
    await until(() => expect(textOf('dialog [role=alert]')).toContain('Not now.'));
    expect(calledWith(LIST)).toHaveLength(1);
  });
});
