import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { adminKey } from './platform.ts';

interface Worker {
  readonly key: string;
}

interface Options {
  /** What the browser may write to its log in this test; anything else fails it. */
  readonly expectedInLog: readonly RegExp[];
}

/**
 * The test of this folder: a page whose log must stay clean. Errors of scripts, failed requests and everything that
 * the content security policy refuses end up in that log.
 */
export const test = base.extend<Options, Worker>({
  expectedInLog: [[], { option: true }],
  // Playwright wants a destructured first parameter; the key depends on nothing.
  key: [async ({ browserName: _ }, use) => use(adminKey()), { scope: 'worker' }],
  page: async ({ page, expectedInLog }, use) => {
    const log: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') log.push(message.text());
    });
    page.on('pageerror', (error) => log.push(String(error)));
    await use(page);
    expect(log.filter((line) => !expectedInLog.some((pattern) => pattern.test(line)))).toEqual([]);
  },
});

export { expect };

/** Opens the console by the link that a start of the platform prints. */
export async function signIn(page: Page, key: string): Promise<void> {
  await page.goto(`/#key=${key}`);
  await expect(page.getByRole('heading', { level: 1, name: 'Converse' })).toBeVisible();
  await expect(page.getByLabel('Model A')).not.toHaveValue('');
}

/** Asks on the first page. */
export async function ask(page: Page, question: string): Promise<void> {
  await page.getByRole('textbox', { name: /question/i }).fill(question);
  await page.getByRole('button', { name: /^(Start|Ask)/ }).click();
}

/** Holds a whole conversation and gives its id. */
export async function converse(page: Page, question: string, exchanges = 2): Promise<string> {
  await page.getByLabel('Exchanges').fill(String(exchanges));
  await ask(page, question);
  await expect(page.getByRole('region', { name: 'Decision' })).toBeVisible();
  await expect(page.locator('.chat-head')).toContainText('completed');
  return /#\/converse\/([0-9a-f-]{36})$/.exec(page.url())?.[1] ?? '';
}

export async function goTo(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeFocused();
}

/** No violation of WCAG 2.2 A and AA that axe can find: labels, roles, contrast, order. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  expect(
    violations.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.html.slice(0, 160)) })),
  ).toEqual([]);
}

/** The page is no wider than the window. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const [content, window] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, innerWidth]',
  );
  expect(content).toBeLessThanOrEqual(window);
}
