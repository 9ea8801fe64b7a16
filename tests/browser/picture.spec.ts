import { expect, signIn, test } from './support.ts';

const QUESTION = 'When is a message queue better than a direct call between two services?';

/** The picture of the README. `MCP_BROWSER_PICTURE=1` writes it to its place; `MCP_BROWSER_MODELS` uses real models. */
test('the console shows a finished conversation of two different models', async ({ page, key }, info) => {
  await page.setViewportSize({ width: 1360, height: 1010 });
  await signIn(page, key);
  // The larger model may still be on its way; it joins by itself.
  await expect(page.getByLabel('Model A').locator('option:enabled')).toHaveCount(2);
  await page.getByLabel('Model A').selectOption({ index: 1 });
  await page.getByLabel('Model B').selectOption({ index: 0 });
  await page.getByLabel('Exchanges').fill('2');
  await page.getByLabel('Tokens per turn').fill('180');
  await page.getByRole('textbox', { name: 'Question' }).fill(QUESTION);
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('region', { name: 'Decision' })).toBeVisible();
  const first = await page
    .getByRole('article', { name: /^Turn 1/ })
    .locator('.turn-model')
    .textContent();
  const second = await page
    .getByRole('article', { name: /^Turn 2/ })
    .locator('.turn-model')
    .textContent();
  expect(first).not.toBe(second);
  await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
  const path =
    process.env.MCP_BROWSER_PICTURE === undefined
      ? info.outputPath('console.png')
      : 'docs/images/console.png';
  const picture = await page.screenshot({ path });
  expect(picture.length).toBeGreaterThan(20_000);
});
