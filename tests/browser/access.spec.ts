import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import {
  ask,
  converse,
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  goTo,
  signIn,
  test,
} from './support.ts';

test.describe('signing in', () => {
  test.use({ expectedInLog: [/status of 401/] });

  test('refuses a wrong key in words, takes a right one, and forgets it on sign-out', async ({
    page,
    key,
  }) => {
    await page.goto('/');
    const field = page.getByLabel('API key');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toContainText('Type or paste an API key first.');
    await field.fill('mcp_wrong');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alert')).toContainText('This key is not accepted.');
    await field.fill('wrong – with a dash that no header may hold');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alert')).toContainText('This key is not accepted.');
    await field.fill(key);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'Converse' })).toBeVisible();
    await page.reload();
    await expect(page.getByRole('heading', { level: 1, name: 'Converse' })).toBeVisible();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.reload();
    await expect(page.getByRole('heading', { level: 1, name: 'Sign in' })).toBeVisible();
  });

  test('takes the key out of the address at once', async ({ page, key }) => {
    await signIn(page, key);
    expect(page.url()).not.toContain(key);
    expect(await page.evaluate('history.length')).toBeLessThanOrEqual(2);
    await page.goto('/#key=mcp_no_longer_valid');
    await expect(page.getByRole('heading', { level: 1, name: 'Sign in' })).toBeVisible();
    await expect(page.getByRole('alert')).toBeVisible();
  });
});

test('a policy allows only own files, and the page loads nothing else', async ({ page, key, baseURL }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  const answer = await page.goto('/');
  const policy = answer?.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
  await signIn(page, key);
  await converse(page, 'What is a queue?');
  await goTo(page, 'Live');
  await expect(page.locator('.chart canvas')).toHaveCount(4);
  const { host } = new URL(baseURL ?? '');
  expect(asked.filter((url) => new URL(url).host !== host)).toEqual([]);
});

test('everything is reached and done with the keyboard alone', async ({ page, key }) => {
  await signIn(page, key);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('textbox', { name: 'Question' })).toBeFocused();
  await page.keyboard.type('What is a queue?');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('region', { name: 'Decision' })).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'complete' })).toHaveCount(1);

  await page.getByRole('link', { name: 'Multi-Component Platform' }).focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Conversations', exact: true }).first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Conversations' })).toBeFocused();
  await expect(page.getByRole('link', { name: 'What is a queue?' }).first()).toBeVisible();
  await page.getByLabel('Status').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 2, name: 'What is a queue?' }).first()).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Verify the chain' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByText('The chain is intact')).toBeVisible();

  await goTo(page, 'Keys');
  await page.getByRole('button', { name: 'New key' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByLabel('Name')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(page.getByRole('button', { name: 'New key' })).toBeFocused();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`every page passes the accessibility rules in ${scheme} mode`, async ({ page, key }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto('/');
    await expectAccessible(page);
    await signIn(page, key);
    await expectAccessible(page);
    const id = await converse(page, 'What is a queue?');
    await expectAccessible(page);
    await page.goto(`/#/conversations/${id}`);
    await page.getByRole('button', { name: 'Verify the chain' }).click();
    await expect(page.getByText('The chain is intact')).toBeVisible();
    await expectAccessible(page);
    await page.locator('.actions').getByRole('link', { name: 'Trace' }).click();
    await expect(page.getByRole('treeitem').first()).toBeVisible();
    await expectAccessible(page);
    await goTo(page, 'Live');
    await expect(page.locator('.chart canvas')).toHaveCount(4);
    await expectAccessible(page);
    await goTo(page, 'Jobs');
    await expectAccessible(page);
    await goTo(page, 'Keys');
    await page.getByRole('button', { name: 'New key' }).click();
    await expectAccessible(page);
  });
}

test('follows the system into dark mode and remembers another choice', async ({ page, key }) => {
  const background = () =>
    page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  await page.emulateMedia({ colorScheme: 'dark' });
  await signIn(page, key);
  const dark = await background();
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await background();
  expect(light).not.toBe(dark);
  const toggle = page.getByRole('button', { name: /^Theme/ });
  await toggle.click();
  await toggle.click();
  await expect(toggle).toHaveAccessibleName('Theme: dark. Change it');
  await expect.poll(background).toBe(dark);
  await page.reload();
  await expect(toggle).toBeVisible();
  await expect.poll(background).toBe(dark);
});

test('fits a phone of 375 pixels without sideways scrolling', async ({ page, key }) => {
  await page.setViewportSize({ width: 375, height: 740 });
  await page.goto('/');
  await expectNoSidewaysScroll(page);
  await signIn(page, key);
  await expectNoSidewaysScroll(page);
  await ask(page, 'What is a queue?');
  await expect(page.getByRole('article', { name: /^Turn 1/ })).toBeInViewport();
  await expect(page.getByRole('region', { name: 'Decision' })).toBeVisible();
  await expectNoSidewaysScroll(page);
  const turns = await page.getByRole('article').all();
  const [first, second] = [await turns[0]?.boundingBox(), await turns[1]?.boundingBox()];
  expect(second?.y).toBeGreaterThan((first?.y ?? 0) + (first?.height ?? 0) - 1);
  await goTo(page, 'Conversations');
  await expectNoSidewaysScroll(page);
  await page.locator('.item').first().click();
  await expect(page.locator('.step').first()).toBeVisible();
  await expectNoSidewaysScroll(page);
  await page.locator('.actions').getByRole('link', { name: 'Trace' }).click();
  await expect(page.getByRole('treeitem').first()).toBeVisible();
  await expectNoSidewaysScroll(page);
  for (const name of ['Live', 'Jobs', 'Keys']) {
    await goTo(page, name);
    await page.waitForLoadState('networkidle');
    await expectNoSidewaysScroll(page);
  }
});

// 63 kB, and 3.5 kB that only those fetch who open the picture of a lineage or of a graph of agents.
test('weighs at most 66.5 kB, compressed', () => {
  const assets = new URL('../../apps/console/dist/assets/', import.meta.url);
  const files = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name));
  const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, assets))).length, 0);
  expect(files.length).toBeGreaterThan(1);
  expect(bytes).toBeLessThanOrEqual(66_500);
});
