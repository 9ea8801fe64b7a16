/**
 * Logs, files and rows that commit 41183ba has made, under the secret of the tests, with a conversation that was
 * running when its process died: they are read, verified and gone on with.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConversationLog, LogRecord } from '@mcp/contracts';
import { verifyLog } from '@mcp/provenance';
import { failure } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Core,
  callOf,
  chat,
  cleanUp,
  only,
  SECRET,
  spoil,
  startCore,
  storeEnv,
  tamper,
  tempDir,
  the,
} from './harness.ts';

const DIR = join(import.meta.dirname, 'version-1');
const text = (name: string) => readFileSync(join(DIR, name), 'utf8');
const ids = z.record(z.string(), z.uuid()).parse(JSON.parse(text('ids.json')));
const FINISHED = ['critique', 'two-questions', 'cancelled', 'interrupted', 'completion'] as const;
const idOf = (name: string) => ids[name] ?? '';
const logOf = (name: string): unknown => JSON.parse(text(`${name}.json`));

afterEach(cleanUp);

describe('a log file of version 1', () => {
  it.each(FINISHED)('%s verifies, and not when any of its records is changed', (name) => {
    const verdict = verifyLog(logOf(name), { secret: SECRET });
    expect(verdict).toMatchObject({ status: 'ok', id: idOf(name) });
    expect(verifyLog(logOf(name), { secret: `${SECRET}!` }).reason).toContain('signature');
    for (let at = 0; at < verdict.records; at++) {
      const changed = ConversationLog.parse(logOf(name));
      const record = changed.messages[at];
      if (record !== undefined) record.content += '.';
      expect(verifyLog(changed, { secret: SECRET })).toMatchObject({ status: 'broken', broken_at: at });
    }
  });

  it('is not taken for one of version 2', () => {
    const log = { ...(logOf('critique') as object), version: 2 };
    expect(verifyLog(log, { secret: SECRET })).toMatchObject({ status: 'broken', broken_at: null });
  });
});

/** A core on the store and the log files that the old code left. */
async function upgraded(): Promise<Core> {
  const dir = tempDir();
  await storeEnv(dir);
  mkdirSync(join(dir, 'core'));
  mkdirSync(join(dir, 'logs', 'conversations'), { recursive: true });
  await tamper({ dir }, text('store.sql'));
  for (const name of FINISHED)
    writeFileSync(join(dir, 'logs', 'conversations', `${idOf(name)}.json`), text(`${name}.json`));
  return startCore({ dir });
}

const verdictOf = async (core: Core, name: string) =>
  (await core.api.verifyConversation(idOf(name), callOf())).status;
const confirmed = (core: Core, name: string) => expect.poll(() => verdictOf(core, name)).toBe('ok');

describe('a store of version 1', () => {
  it('is read as conversations of participants, and each log is what it was and verifies', async () => {
    const core = await upgraded();
    const { conversations } = await core.api.listConversations({ limit: 10 }, callOf());
    expect(conversations.map(({ id }) => id).sort()).toEqual(Object.values(ids).sort());
    for (const { id, participants, models } of conversations)
      expect(participants).toEqual(
        id === idOf('completion')
          ? [{ id: 'modelA', model: 'alpha', prompt: null }]
          : [
              { id: 'modelA', model: models[0], prompt: 'base_system' },
              { id: 'modelB', model: models[1], prompt: 'critic_mode' },
            ],
      );
    for (const name of FINISHED) {
      expect(await core.api.exportLog(idOf(name), callOf())).toEqual(logOf(name));
      const { messages } = await core.api.getConversation(idOf(name), callOf());
      expect(z.array(LogRecord).parse(messages)).toEqual(ConversationLog.parse(logOf(name)).messages);
      await confirmed(core, name);
    }
  });

  it.each([
    ['running', { turns: 3, answers: ['modelA', 'modelB', 'modelA'] }],
    ['interrupted', { turns: 2, answers: ['modelA', 'modelB'] }],
    ['cancelled', { turns: 4, answers: ['modelA', 'modelB', 'modelA', 'modelB'] }],
  ] as const)(
    '%s is finished from its last whole turn, in its own version',
    async (name, { turns, answers }) => {
      const core = await upgraded();
      await expect
        .poll(async () => (await core.api.getConversation(idOf(name), callOf())).status)
        .not.toBe('running');
      const events = await chat(core, { conversation_id: idOf(name) });
      const { response } = the(events, 'done');
      expect(response).toMatchObject({
        status: 'completed',
        models: ['alpha', 'beta'],
        messages: { length: turns },
      });
      expect(response.messages.map(({ role }) => role)).toEqual(answers);
      expect(only(events, 'message.start').every(({ turn }) => turn > 0)).toBe(true);
      const log = await core.api.exportLog(idOf(name), callOf());
      expect(log.version).toBe(1);
      expect(verifyLog(log, { secret: SECRET })).toMatchObject({ status: 'ok' });
      await confirmed(core, name);
    },
  );

  it('takes new questions: of a finished conversation, and of a completion with its one participant', async () => {
    const core = await upgraded();
    for (const [name, answers] of [
      ['critique', ['modelA', 'modelB']],
      ['completion', ['modelA', 'modelA']],
    ] as const) {
      const events = await chat(core, { conversation_id: idOf(name), message: 'And on?', exchanges: 2 });
      expect(the(events, 'done').response.messages.map(({ participant }) => participant)).toEqual(answers);
      await confirmed(core, name);
      expect((await core.api.exportLog(idOf(name), callOf())).version).toBe(1);
    }
    // What was said before is in the context of the new question.
    expect(JSON.stringify(core.models.asked[0]?.request.messages)).toContain('Why is the sky blue?');
  });

  it('shows what was changed in it', async () => {
    const core = await upgraded();
    const id = idOf('two-questions');
    await confirmed(core, 'two-questions');
    await spoil(core, id, 4);
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ status: 'broken', broken_at: 4 });
    expect(await failure(core.api.chat({ conversation_id: id, message: 'On.' }, callOf()))).toMatchObject({
      code: 'conflict',
    });
  });
});
