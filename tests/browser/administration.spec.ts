import { readFileSync } from 'node:fs';
import { converse, expect, goTo, signIn, test } from './support.ts';

test.describe('administration', () => {
  test('makes a key that is shown once and works, and revokes it', async ({ page, key, browser }) => {
    await signIn(page, key);
    await goTo(page, 'Keys');
    const name = `runner ${Date.now()}`;
    await page.getByRole('button', { name: 'New key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByRole('button', { name: 'Create key' }).click();
    const made = await dialog.getByLabel('Key', { exact: true }).inputValue();
    expect(made.length).toBeGreaterThan(30);
    await dialog.getByRole('button', { name: 'Done' }).click();
    await expect(dialog).toBeHidden();
    const row = page.getByRole('row', { name: new RegExp(name) });
    await expect(row).toContainText('valid');
    expect(await page.content()).not.toContain(made);

    const other = await browser.newContext();
    const guest = await other.newPage();
    await signIn(guest, made);
    await guest.getByRole('link', { name: 'Keys' }).click();
    await expect(guest.getByText("This key is not an administrator's")).toBeVisible();
    await guest.getByRole('link', { name: 'Live' }).click();
    await expect(guest.getByText("This key is not an administrator's")).toBeVisible();

    await row.getByRole('button', { name: `Revoke ${name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
    await expect(row).toContainText('valid');
    await row.getByRole('button', { name: `Revoke ${name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke key' }).click();
    await expect(row).toContainText('revoked');
    await expect(row.getByRole('button')).toHaveCount(0);

    await guest.getByRole('link', { name: 'Conversations' }).click();
    await expect(guest.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    await other.close();
  });

  test('shows live figures and queues, and keeps them up to date', async ({ page, key }) => {
    await signIn(page, key);
    await converse(page, 'What is a queue?');
    await goTo(page, 'Live');
    await expect(page.locator('.chart canvas')).toHaveCount(4);
    await expect(page.locator('.chart').first()).toContainText(/p95 \d/);
    await expect(page.getByRole('row', { name: /scripted\/alpha/ })).toContainText('ready');
    await expect(page.getByRole('row', { name: /scripted\/alpha/ })).toContainText(/\d of \d/);
    await page.waitForResponse((response) => response.url().endsWith('/admin/stats'));
    await page.waitForResponse((response) => response.url().endsWith('/admin/stats'));
  });

  test('makes a job from a conversation, follows it to its result, and exports all', async ({
    page,
    key,
  }) => {
    await signIn(page, key);
    const id = await converse(page, 'What is a queue?');
    await page.goto(`/#/conversations/${id}`);
    await page.getByRole('button', { name: 'Summarise' }).click();
    await page.getByText('The job is queued.').getByRole('link', { name: 'Jobs' }).click();
    await expect(page.locator('.job').first()).toContainText('summarize conversation');
    await expect(page.locator('.job').first()).toContainText('completed', { timeout: 20_000 });
    await page.locator('.job').first().getByText('Result', { exact: true }).click();
    await expect(page.locator('.job-summary')).toContainText(/\w/);

    const before = await page.locator('.job').count();
    await page.getByLabel('Work').selectOption('Export all conversations');
    await page.getByRole('button', { name: 'Create job' }).click();
    await expect(page.locator('.job')).toHaveCount(before + 1);
    const job = page.locator('.job').first();
    await expect(job).toContainText('export');
    await expect(job).toContainText('completed', { timeout: 20_000 });
    await job.getByText('Result', { exact: true }).click();
    const saving = page.waitForEvent('download');
    await job.getByRole('button', { name: 'Download' }).click();
    const file = await saving;
    expect(file.suggestedFilename()).toMatch(/^export-.*\.jsonl$/);
    expect(readFileSync(await file.path(), 'utf8')).toContain(id);
  });
});
