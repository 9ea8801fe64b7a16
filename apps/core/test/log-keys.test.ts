import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyChange } from '@mcp/contracts';
import { VerifiedKeys, verifyBundle } from '@mcp/provenance';
import { failure } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ADMIN,
  type Core,
  callOf,
  chat,
  cleanUp,
  idOf,
  SECRET,
  startCore,
  startReplica,
  tamper,
} from './harness.ts';

afterEach(cleanUp);

const NEW_SECRET = 'the provenance secret that comes after it';
const QUESTION = { message: 'Is a tomato a fruit?' };
const change = (core: Core, asked: KeyChange) => core.api.changeLogKeys(asked, callOf({ principal: ADMIN }));
const rotate = (core: Core, dry_run = false) => change(core, { change: 'rotate', dry_run });
const verify = (core: Core, id: string) => core.api.verifyConversation(id, callOf());
const activeOf = async (core: Core) => (await core.api.logKeys(callOf())).active_key_id;

describe('the keys that logs are signed with', () => {
  it('change while conversations go on: logs and bundles from before verify, and name their key', async () => {
    const core = await startCore();
    const old = await activeOf(core);
    const before = idOf(await chat(core, QUESTION));
    const bundle = await core.api.proveConversation(before, callOf());
    const tried = await rotate(core, true);
    expect(tried).toMatchObject({ dry_run: true, before: { active_key_id: old } });
    expect(await activeOf(core)).toBe(old);

    const running = chat(core, QUESTION);
    const { steps, after } = await rotate(core);
    expect(steps.map(({ step }) => step)).toEqual(['generate', 'publish', 'replace', 'retire', 'verify']);
    const during = idOf(await running);
    const later = idOf(await chat(core, QUESTION));
    expect(await verify(core, before)).toMatchObject({ status: 'ok', key_id: old });
    expect(await verify(core, during)).toMatchObject({ status: 'ok' });
    expect(await verify(core, later)).toMatchObject({ status: 'ok', key_id: after.active_key_id });
    expect(await core.api.verifyLog(bundle, callOf())).toMatchObject({ status: 'ok', key_id: old });
    // Whoever has the key history alone.
    const { history } = await core.api.logKeys(callOf());
    const offline = { secret: undefined, history: VerifiedKeys.of(history), keys: undefined };
    expect(verifyBundle(bundle, offline)).toMatchObject({ status: 'ok', key_id: old });
    const signature = (await core.api.exportLog(later, callOf())).signature;
    expect(verifyBundle({ ...bundle, log: { ...bundle.log, signature } }, offline)).toMatchObject({
      status: 'broken',
      reason: expect.stringMatching(/The signature by the key .* does not fit/),
    });
  });

  it('are those of all replicas, and stay over a restart', async () => {
    const core = await startCore();
    const replica = await startReplica(core);
    const { after } = await rotate(core);
    const id = idOf(await chat(core, QUESTION));
    expect(await verify(replica, id)).toMatchObject({ status: 'ok', key_id: after.active_key_id });
    await core.stop();
    await replica.stop();
    const again = await startReplica(core);
    expect(await activeOf(again)).toBe(after.active_key_id);
    expect(await verify(again, id)).toMatchObject({ status: 'ok', key_id: after.active_key_id });
  });

  it('are rolled back, and one that others may have had is revoked: what it signed since does not count', async () => {
    const core = await startCore();
    const old = await activeOf(core);
    const { after } = await rotate(core);
    const id = idOf(await chat(core, QUESTION));
    await change(core, { change: 'roll_back', dry_run: false });
    expect(await activeOf(core)).toBe(old);
    expect(await verify(core, id)).toMatchObject({ status: 'ok', key_id: after.active_key_id });
    const revoked_from = '2026-01-01T00:00:00.000Z';
    const asked = {
      change: 'revoke',
      key_id: after.active_key_id,
      reason: 'it leaked',
      dry_run: false,
    } as const;
    await change(core, { ...asked, revoked_from });
    expect(await verify(core, id)).toMatchObject({
      status: 'broken',
      reason: expect.stringMatching(/that key is revoked from 2026-01-01T00:00:00.000Z on: it leaked/),
    });
    expect(await failure(change(core, asked))).toMatchObject({ code: 'conflict' });
    expect(await failure(core.api.changeLogKeys(asked, callOf()))).toMatchObject({ code: 'forbidden' });
    expect(await core.kit.metrics.text()).toMatch(
      /log_key_changes_total\{service="core",kind="revoke",status="failed"\} 1/,
    );
  });
});

describe('where the keys are kept', () => {
  it('private keys are for their owner: a file of theirs, or encrypted in the database', async () => {
    const core = await startCore();
    await rotate(core);
    if (core.sqlite) {
      const path = join(core.dir, 'secrets', 'log-keys.json');
      expect(statSync(path).mode & 0o077).toBe(0);
      expect(Object.keys(JSON.parse(readFileSync(path, 'utf8')).private_keys)).toHaveLength(2);
      return;
    }
    await core.stop();
    expect(await failure(startReplica(core, { env: { PROV_SECRET: NEW_SECRET } }))).toMatchObject({
      message: expect.stringMatching(/encrypted under another PROV_SECRET.*PROV_SECRETS_ACCEPTED/),
    });
    await tamper(core, 'update key_rings set revision = revision + 1');
    expect(await failure(startReplica(core))).toMatchObject({
      message: expect.stringMatching(/cannot be decrypted/),
    });
  });
});

describe('PROV_SECRET', () => {
  it('is changed in two steps, and back, and no log is rejected by any replica', async () => {
    // The steps of docs/prov-secret-rotation.md: pods of two neighbouring ones run at the same time.
    const steps = [
      { PROV_SECRET: SECRET },
      { PROV_SECRET: SECRET, PROV_SECRETS_ACCEPTED: NEW_SECRET },
      { PROV_SECRET: NEW_SECRET, PROV_SECRETS_ACCEPTED: SECRET },
      { PROV_SECRET: SECRET, PROV_SECRETS_ACCEPTED: NEW_SECRET },
    ];
    let core = await startCore();
    const ids = [idOf(await chat(core, QUESTION))];
    for (const [at, env] of steps.entries()) {
      if (at === 0) continue;
      const next = await startReplica(core, { env });
      await rotate(next);
      ids.push(idOf(await chat(next, QUESTION)));
      for (const id of ids)
        for (const one of [core, next])
          expect(await verify(one, id), `${at}`).toMatchObject({ status: 'ok' });
      await core.stop();
      core = next;
    }
    const alone = await startReplica(core, { env: { PROV_SECRET: SECRET, PROV_SECRETS_ACCEPTED: '' } });
    expect(await verify(alone, ids[2] ?? '')).toMatchObject({
      status: 'broken',
      reason: expect.stringMatching(/signed with another one/),
    });
  });
});
