import { ask, converse, expect, expectAccessible, signIn, test } from './support.ts';

test.describe('a conversation', () => {
  test('streams two models side by side and explains its decision', async ({ page, key }) => {
    await signIn(page, key);
    await page.getByLabel('Exchanges').fill('4');
    await page.getByLabel('Prompt B').selectOption('critic_mode');
    await ask(page, 'When is a queue better than a direct call?');

    const first = page.getByRole('article', { name: /^Turn 1, model A/ });
    await expect(first).toBeVisible();
    // Words come while the turn is still open.
    await expect(first).toHaveClass(/turn-streaming/);
    await expect(first.locator('.prose')).toContainText('queue');
    await expect(first).toHaveClass(/turn-streaming/);
    const early = (await first.locator('.prose').textContent())?.length ?? 0;
    await expect
      .poll(async () => (await first.locator('.prose').textContent())?.length ?? 0)
      .toBeGreaterThan(early);

    const second = page.getByRole('article', { name: /^Turn 2, model B/ });
    await expect(second).toBeVisible();
    const [left, right] = [await first.boundingBox(), await second.boundingBox()];
    expect(right?.x).toBeGreaterThan((left?.x ?? 0) + (left?.width ?? 0) - 1);
    expect(right?.y).toBe(left?.y);

    const decision = page.getByRole('region', { name: 'Decision' });
    await expect(decision).toBeVisible();
    await expect(page.getByRole('article')).toHaveCount(4);
    for (const measure of ['Semantic', 'Coherence', 'Safety', 'Composite'])
      await expect(decision.getByRole('row', { name: new RegExp(measure) })).toContainText(/[01]\.\d\d/);
    await expect(decision).toContainText('Divergence');
    await expect(first.locator('footer')).toContainText(/\d+ in · \d+ out\s*complete/);
    await expect(page.locator('.turn-chosen')).toHaveCount(1);
    await expect(page.locator('.chat-head')).toContainText('4 of 4 turns');

    const feedback = page.getByRole('region', { name: 'Feedback' });
    await feedback.getByRole('button', { name: 'Good answer' }).click();
    await expect(feedback.getByRole('status')).toHaveText('Your feedback is kept.');
    await feedback.getByLabel('Comment').fill('Says when, and why.');
    await expectAccessible(page);
    await feedback.getByRole('button', { name: 'Keep the comment' }).click();
    await expect(feedback.getByRole('status')).toHaveText('Your feedback and comment are kept.');
  });

  test('is begun by three participants, one of them under an id of its own', async ({ page, key }) => {
    await signIn(page, key);
    await page.getByRole('button', { name: 'Add a participant' }).click();
    await page.getByLabel('Id C').fill('critic');
    await converse(page, 'What is a queue?', 3);
    await expect(page.getByRole('article')).toHaveCount(3);
    await expect(page.getByRole('article', { name: /^Turn 3, model critic/ })).toBeVisible();
  });

  test('shows markup that a model writes as text', async ({ page, key }) => {
    await signIn(page, key);
    await converse(page, 'What is a queue?');
    await expect(page.getByRole('article').first()).toContainText('<img src="x" onerror=');
    await expect(page.locator('article img')).toHaveCount(0);
    await expect(page.locator('article pre code')).toContainText('queue.publish');
    expect(await page.title()).toContain('Multi-Component Platform');
  });

  test('is cancelled by Esc, keeps what was written, and survives a reload', async ({ page, key }) => {
    await signIn(page, key);
    await ask(page, 'Tell an endless tale.');
    const turn = page.getByRole('article', { name: /^Turn 1/ });
    await expect(turn.locator('.prose')).toContainText('word word word');
    await page.keyboard.press('Escape');
    await expect(page.locator('.chat-head')).toContainText('cancelled');
    const words = (await turn.locator('.prose').textContent()) ?? '';
    expect(words.length).toBeLessThan(1500 * 5);
    await page.waitForTimeout(300);
    await expect(turn.locator('.prose')).toHaveText(words);

    await page.reload();
    await expect(page.locator('.question')).toContainText('Tell an endless tale.');
    await expect(page.locator('.chat-head')).toContainText('cancelled');
    await expect(page.getByRole('article', { name: /^Turn 1/ }).locator('.prose')).toContainText(
      'word word word',
    );
  });

  test('survives a reload while it is written, and is in the list', async ({ page, key }) => {
    await signIn(page, key);
    await ask(page, 'Another endless tale, left early.');
    await expect(page.getByRole('article').locator('.prose')).toContainText('word word');
    await page.reload();
    await expect(page.locator('.question')).toContainText('left early');
    await expect(page.locator('.chat-head')).toContainText(/cancelled|interrupted/);
    await expect(page.getByRole('button', { name: 'Resume the conversation' })).toBeVisible();
    await page.getByRole('link', { name: 'Conversations', exact: true }).first().click();
    await expect(page.getByRole('link', { name: /left early/ }).first()).toBeVisible();
  });

  test('that another client began is followed as it is written, and cancelled from here', async ({
    page,
    key,
    baseURL,
  }) => {
    await signIn(page, key);
    const stream = await fetch(`${baseURL}/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'An endless tale of another client.', stream: true }),
    });
    const id = stream.headers.get('x-mcp-conversation-id') ?? '';
    await page.goto(`/#/converse/${id}`);
    const prose = page.getByRole('article', { name: /^Turn 1/ }).locator('.prose');
    await expect(prose).toContainText('word word');
    const words = (await prose.textContent()) ?? '';
    await expect.poll(async () => (await prose.textContent())?.length).toBeGreaterThan(words.length);
    await page.keyboard.press('Escape');
    await expect(page.locator('.chat-head')).toContainText('cancelled');
    await expect(stream.text()).resolves.toContain('cancelled');
  });

  test('takes one more turn when the answers differ, and says so', async ({ page, key }) => {
    await signIn(page, key);
    await converse(page, 'Please disagree.');
    await expect(page.getByRole('article')).toHaveCount(3);
    await expect(page.getByRole('article', { name: /^Turn 3, model B/ })).toContainText('critique turn');
    await expect(page.getByRole('region', { name: 'Decision' })).toContainText('after a critique turn');
  });

  test('shows a turn that was tried again once, with the words of the last attempt', async ({
    page,
    key,
  }) => {
    await signIn(page, key);
    await converse(page, 'Please stumble.');
    const turn = page.getByRole('article', { name: /^Turn 1/ });
    await expect(turn).toContainText('attempt 2');
    await expect(turn.locator('.prose')).toHaveText('Back on my feet.');
  });

  test('says what went wrong when it breaks off, and is resumed to its end', async ({ page, key }) => {
    await signIn(page, key);
    await page.getByLabel('Exchanges').fill('2');
    await ask(page, 'Please collapse.');
    await expect(page.getByRole('alert')).toContainText(/upstream_(interrupted|failed)/);
    await expect(page.locator('.chat-head')).toContainText('interrupted');
    await page.reload();
    await expect(page.locator('.chat-head')).toContainText('interrupted');
    await page.getByRole('button', { name: 'Resume the conversation' }).click();
    await expect(page.getByRole('region', { name: 'Decision' })).toBeVisible();
    await expect(page.getByRole('article', { name: /^Turn 1/ }).locator('.prose')).toHaveText(
      'Back from the dead.',
    );
    await expect(page.locator('.question')).toHaveText(/Please collapse/);
  });

  test('goes on with a second question and begins anew on request', async ({ page, key }) => {
    await signIn(page, key);
    const id = await converse(page, 'What is a queue?');
    await ask(page, 'And what is a stream?');
    await expect(page.getByRole('region', { name: 'Decision' })).toHaveCount(2);
    expect(page.url()).toContain(id);
    await expect(page.locator('.question')).toContainText(['What is a queue?', 'And what is a stream?']);
    await page.getByRole('button', { name: 'New conversation' }).click();
    await expect(page.locator('.question')).toHaveCount(0);
    await expect(page.getByRole('textbox', { name: 'Question' })).toBeFocused();
  });

  test('goes on while other pages are looked at', async ({ page, key }) => {
    await signIn(page, key);
    await page.getByLabel('Exchanges').fill('2');
    await ask(page, 'What is a queue?');
    await expect(page.getByRole('article')).toHaveCount(1);
    await page.getByRole('link', { name: 'Jobs' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Jobs' })).toBeVisible();
    await page.getByRole('link', { name: 'Converse', exact: true }).click();
    await expect(page.getByRole('region', { name: 'Decision' })).toBeVisible();
    await expect(page.getByRole('article')).toHaveCount(2);
  });

  test('streams over SSE where no WebSocket can be opened', async ({ page, key }) => {
    await page.addInitScript(
      'window.WebSocket = class { constructor() { throw new Error("no WebSocket here"); } };',
    );
    const requests: string[] = [];
    page.on('request', (request) => requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await signIn(page, key);
    await converse(page, 'What is a queue?');
    expect(requests).toContain('POST /chat');
    await ask(page, 'An endless tale over SSE.');
    await expect(page.getByRole('article').last().locator('.prose')).toContainText('word word');
    await page.getByRole('button', { name: /^Cancel/ }).click();
    await expect(page.locator('.chat-head')).toContainText('cancelled');
  });

  test('asks for a question before it starts', async ({ page, key }) => {
    await signIn(page, key);
    await page.getByRole('button', { name: /^Start/ }).click();
    await expect(page.getByRole('alert')).toContainText('Write a question first.');
    await expect(page.getByRole('textbox', { name: 'Question' })).toBeFocused();
  });
});
