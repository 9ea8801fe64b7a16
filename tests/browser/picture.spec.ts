import { ask, expect, signIn, test } from './support.ts';

const QUESTION = 'When is a message queue better than a direct call between two services?';

/** The picture of the README. `MCP_BROWSER_PICTURE=1` writes it to its place; `MCP_BROWSER_MODELS` uses real models. */
test('the console shows a finished conversation', async ({ page, key }, info) => {
  await page.setViewportSize({ width: 1360, height: 900 });
  await signIn(page, key);
  await page.getByLabel('Exchanges').fill('2');
  await page.getByLabel('Tokens per turn').fill('120');
  await ask(page, QUESTION);
  await expect(page.getByRole('region', { name: 'Decision' })).toBeVisible();
  await expect(page.getByRole('article')).toHaveCount(2);
  await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
  const path =
    process.env.MCP_BROWSER_PICTURE === undefined
      ? info.outputPath('console.png')
      : 'docs/images/console.png';
  const picture = await page.screenshot({ path });
  expect(picture.length).toBeGreaterThan(20_000);
});
