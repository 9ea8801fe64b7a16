import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChainVerdict, CoreApi, LogCheck, Principal } from '@mcp/contracts';
import { createKit, type LocalApis, ownCall, type ServiceKit } from '@mcp/service-kit';
import { callerHeaders, testIdentities } from '@mcp/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definition } from '../src/definition.ts';

const ADMIN: Principal = { id: 'key:1', kind: 'key', name: 'admin', scopes: ['admin'] };
const call = (scopes: Principal['scopes'] = ['admin']) =>
  ownCall({ service: 'test', timeout_ms: 60_000, scopes });
let dir: string;
let kit: ServiceKit;
/** What the core answers, one batch after the other. */
let batches: LogCheck[];
let fails: boolean;

const idOf = (i: number) => `0194f0c2-0000-7000-8000-${String(i).padStart(12, '0')}`;
const brokenLog = (i: number): ChainVerdict => ({
  id: idOf(i),
  ok: false,
  status: 'broken',
  records: 3,
  broken_at: 1,
  reason: 'Record 1 was changed.',
  head: null,
});
const batch = (change: Partial<LogCheck>): LogCheck => ({
  checked: 200,
  unconfirmed: 0,
  complete: false,
  failures: [],
  ...change,
});

const core: Partial<CoreApi> = {
  checkLogs: () => {
    const next = batches.shift();
    if (fails || next === undefined) return Promise.reject(new Error('core is away'));
    return Promise.resolve(next);
  },
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-governance-'));
  batches = [batch({}), batch({ unconfirmed: 2 }), batch({ checked: 49, complete: true })];
  fails = false;
  const env = { MCP_DATA: dir, ...testIdentities(), MCP_LOG_LEVEL: 'silent' };
  kit = await createKit({
    manifest: definition.manifest,
    env,
    local: new Map([['core', core]]) as LocalApis,
    draining: () => false,
  });
});
afterEach(async () => {
  await kit.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('the log check', () => {
  it('has the core check batch after batch until the pass is complete', async () => {
    const { app, api, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
    const answer = await app.request('/internal/jobs/log-check/run', {
      method: 'POST',
      headers: await callerHeaders('gateway', 'governance', ADMIN),
    });
    expect(await answer.json()).toMatchObject({
      job: 'log-check',
      ok: true,
      checked: 449,
      unconfirmed: 2,
      complete: true,
      failures: [],
      error: null,
    });
    expect(await kit.metrics.text()).toMatch(
      /provenance_verifications_total{service="governance",status="ok"} 447/,
    );
    expect(await api.jobs(call())).toMatchObject([
      { name: 'log-check', schedule: '0 3 * * *', last: { ok: true } },
      { name: 'retention', schedule: '0 2 * * *', last: null },
      { name: 'audit-bundle', schedule: '0 5 * * *', last: null },
    ]);
    await close();
  });

  it('names what is broken, and remembers it over a restart', async () => {
    batches = [
      batch({ failures: [brokenLog(3)] }),
      batch({ checked: 49, complete: true, failures: [brokenLog(3), brokenLog(444)] }),
    ];
    const first = await definition.create(kit as Parameters<typeof definition.create>[0]);
    const run = await first.api.run('log-check', call());
    expect(run).toMatchObject({
      ok: false,
      checked: 249,
      failures: [{ id: idOf(3), broken_at: 1 }, { id: idOf(444) }],
    });
    await first.close();
    const again = await definition.create(kit as Parameters<typeof definition.create>[0]);
    expect((await again.api.jobs(call()))[0]?.last).toMatchObject({ id: run.id, ok: false });
    await again.close();
  });

  it('says that it failed when the core is away, and two runs at once are one', async () => {
    fails = true;
    const { api, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
    const [one, two] = await Promise.all([api.run('log-check', call()), api.run('log-check', call())]);
    expect(one).toMatchObject({ ok: null, error: expect.stringContaining('failed') });
    expect(two.id).toBe(one.id);
    await expect(api.run('no-such-job', call())).rejects.toMatchObject({ code: 'not_found' });
    await expect(api.run('log-check', call(['chat', 'jobs']))).rejects.toMatchObject({ code: 'forbidden' });
    await close();
  });

  it('makes up for a run that was missed', async () => {
    const first = await definition.create(kit as Parameters<typeof definition.create>[0]);
    await first.api.run('log-check', call());
    await first.close();
    const path = join(dir, 'governance', 'log-check.json');
    const last = JSON.parse(readFileSync(path, 'utf8')) as { started_at: string };
    writeFileSync(path, JSON.stringify({ ...last, started_at: '2026-01-01T00:00:00.000Z' }));
    const late = await definition.create(kit as Parameters<typeof definition.create>[0]);
    await expect
      .poll(async () => (await late.api.jobs(call()))[0]?.last?.started_at)
      .not.toBe('2026-01-01T00:00:00.000Z');
    await late.close();
  });

  it('answers services only', async () => {
    const { app, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
    expect((await app.request('/internal/jobs')).status).toBe(401);
    expect((await app.request('/healthz')).status).toBe(200);
    await close();
  });
});
