import { readFileSync } from 'node:fs';
import { converse, expect, expectAccessible, expectNoSidewaysScroll, goTo, signIn, test } from './support.ts';

test.describe('the record', () => {
  test('is found, replayed with the keyboard and the mouse, and verified', async ({ page, key }) => {
    await signIn(page, key);
    const mark = `needle ${Date.now()}`;
    const id = await converse(page, `What is a queue? ${mark}`);
    await goTo(page, 'Conversations');
    await page.getByLabel('Search').fill(mark);
    await expect(page.locator('.item')).toHaveCount(1);
    await page.locator('.item').click();
    await expect(page).toHaveURL(new RegExp(`#/conversations/${id}$`));
    await expect(page.getByRole('heading', { level: 2, name: new RegExp(mark) })).toBeFocused();

    const steps = page.locator('.step');
    await expect(steps).toHaveCount(4);
    await page.keyboard.press('ArrowLeft');
    await expect(steps).toHaveCount(3);
    await expect(page.locator('.player-count')).toHaveText('3 / 4');
    await page.keyboard.press('ArrowLeft');
    await expect(page.locator('.player-count')).toHaveText('2 / 4');
    await page.keyboard.press('ArrowRight');
    await expect(page.locator('.player-count')).toHaveText('3 / 4');

    await page.getByLabel('Speed').selectOption('4');
    await page.getByLabel('Step', { exact: true }).fill('0');
    await page.getByRole('button', { name: 'Play' }).click();
    await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
    await expect(page.locator('.player-count')).not.toHaveText('0 / 4');
    await page.getByRole('button', { name: 'Pause' }).click();
    const paused = (await page.locator('.player-count').textContent()) ?? '';
    await page.waitForTimeout(400);
    await expect(page.locator('.player-count')).toHaveText(paused);
    await page.getByRole('button', { name: 'Play' }).click();
    await expect(page.locator('.player-count')).toHaveText('4 / 4', { timeout: 20_000 });
    await expect(page.getByRole('button', { name: 'Play' })).toBeVisible();

    await page.getByRole('button', { name: 'Verify the chain' }).click();
    await expect(page.getByText('The chain is intact')).toBeVisible();
  });

  test('of a graph of agents is drawn, and a node shows what it said', async ({ page, key }) => {
    const answer = await page.request.post('/chat', {
      headers: { authorization: `Bearer ${key}` },
      data: { mode: 'plan-verify', message: 'What is a queue?', max_tokens_per_turn: 60 },
    });
    const { id, decision } = await answer.json();
    await signIn(page, key);
    await page.goto(`/#/conversations/${id}`);
    const graph = page.getByRole('region', { name: 'Graph' });
    await expect(graph.getByRole('button')).toHaveCount(7);
    await expect(graph.locator('path')).toHaveCount(9);
    const node = graph.getByRole('button', { name: /^strategist/ });
    await expect(node).toContainText('finished');
    await expect(graph.getByRole('button', { name: new RegExp(`^${decision.chosen}`) })).toContainText(
      'the answer',
    );
    await node.focus();
    await page.keyboard.press('Enter');
    await expect(node).toHaveAttribute('aria-pressed', 'true');
    const record = page.getByRole('list', { name: 'Record of strategist' });
    await expect(record).toContainText('A queue lets the caller go on');
    await expectAccessible(page);
    await page.setViewportSize({ width: 375, height: 740 });
    await expectNoSidewaysScroll(page);
  });

  test('has a lineage that is drawn, and a node shows its record and its proof', async ({ page, key }) => {
    await signIn(page, key);
    const id = await converse(page, 'What is a queue?');
    await page.goto(`/#/conversations/${id}`);
    await page.getByRole('button', { name: 'Show the lineage' }).click();
    const lineage = page.getByRole('region', { name: 'Lineage' });
    const output = lineage.getByRole('button', { name: /^output/ });
    await output.focus();
    await page.keyboard.press('Enter');
    await expect(output).toHaveAttribute('aria-pressed', 'true');
    await expect(lineage.getByText(/^[0-9a-f]{64}$/)).toBeVisible();
    await expect(lineage.getByText('The chain is intact')).toBeVisible({ timeout: 20_000 });
    await expect(lineage.getByRole('list', { name: /^Record of / })).toContainText('queue');
    await expectAccessible(page);
    await page.setViewportSize({ width: 375, height: 740 });
    await expectNoSidewaysScroll(page);
  });

  test('shows hidden reasoning and system prompts only on request', async ({ page, key }) => {
    await signIn(page, key);
    const id = await converse(page, 'What is a queue?');
    await expect(page.locator('main')).not.toContainText('Agree first, then name the cost.');
    await page.goto(`/#/conversations/${id}`);
    const reasoning = page.getByText('Agree first, then name the cost.');
    await expect(page.getByText(/^Hidden reasoning/)).toHaveCount(1);
    await expect(reasoning).toBeHidden();
    await page.getByText(/^Hidden reasoning/).click();
    await expect(reasoning).toBeVisible();
    await expect(page.getByText(/^System prompts/)).toBeVisible();
  });

  test('is downloaded as a file that holds every record', async ({ page, key }) => {
    await signIn(page, key);
    const id = await converse(page, 'What is a queue?');
    await page.goto(`/#/conversations/${id}`);
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download record' }).click();
    const file = await saving;
    expect(file.suggestedFilename()).toBe(`${id}.json`);
    const log: unknown = JSON.parse(readFileSync(await file.path(), 'utf8'));
    expect(log).toMatchObject({ id, status: 'completed' });
    expect(log).toHaveProperty('messages.0.hash');
  });

  test('is checked as a file, too, and a changed word is found', async ({ page, key }) => {
    await signIn(page, key);
    const id = await converse(page, 'What is a queue?');
    await goTo(page, 'Conversations');
    const headers = { authorization: `Bearer ${key}` };
    const log = await (await page.request.get(`/v1/conversations/${id}/log`, { headers })).text();
    const check = async (text: string) => {
      const chooser = page.waitForEvent('filechooser');
      await page.getByText('Verify a log file').click();
      await (await chooser).setFiles({
        name: 'log.json',
        mimeType: 'application/json',
        buffer: Buffer.from(text),
      });
    };
    await check(log);
    await expect(page.getByText('The chain is intact')).toBeVisible();
    await check(log.replace('What is a queue?', 'What is a stack?'));
    await expect(page.getByText('The chain is broken')).toBeVisible();
    await check('{"id":1}');
    await expect(page.getByRole('alert')).toContainText('carries no signature');
  });

  test('leads to its trace, which has every span under the gateway', async ({ page, key }) => {
    await signIn(page, key);
    const id = await converse(page, 'What is a queue?');
    await page.goto(`/#/conversations/${id}`);
    await page.locator('.actions').getByRole('link', { name: 'Trace' }).click();
    const spans = page.getByRole('treeitem');
    await expect(spans.filter({ hasText: 'http.server.request' }).first()).toBeVisible();
    await expect(spans.filter({ hasText: 'model.inference' }).first()).toBeVisible();
    const roots = page.locator('[role=treeitem][aria-level="1"]');
    await expect(roots).toHaveCount(1);

    await roots.focus();
    await page.keyboard.press('ArrowDown');
    await expect(spans.nth(1)).toBeFocused();
    await expect(spans.nth(1)).toHaveAttribute('aria-selected', 'true');
    await spans.filter({ hasText: 'model.inference' }).first().click();
    await expect(page.getByRole('region', { name: 'Chosen span' })).toContainText('gen_ai.request.model');
    const all = await spans.count();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowLeft');
    await expect(spans).toHaveCount(1);
    await page.keyboard.press('ArrowRight');
    await expect(spans).toHaveCount(all);
  });

  test.describe('that does not exist', () => {
    test.use({ expectedInLog: [/status of 40[04]/] });
    test('says so', async ({ page, key }) => {
      await signIn(page, key);
      await page.goto('/#/conversations/00000000-0000-4000-8000-000000000000');
      await expect(page.getByRole('alert')).toContainText('Opening the conversation did not work');
      await page.goto('/#/traces/00000000000000000000000000000000');
      await expect(page.getByRole('alert')).toContainText('Loading the trace did not work');
      await page.goto('/#/nowhere');
      await expect(page.getByRole('heading', { level: 1, name: 'No such page' })).toBeVisible();
    });
  });
});
