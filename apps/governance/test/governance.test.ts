import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConversationSummary, CoreApi, Principal } from '@mcp/contracts';
import { createKit, type LocalApis, type ServiceKit } from '@mcp/service-kit';
import { callerHeaders, testIdentities } from '@mcp/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definition } from '../src/definition.ts';

const ADMIN: Principal = { id: 'key:1', kind: 'key', name: 'admin', scopes: ['admin'] };
const PAGES = 450;
let dir: string;
let kit: ServiceKit;
let broken: Set<string>;
let fails: boolean;

const idOf = (i: number) => `0194f0c2-0000-7000-8000-${String(i).padStart(12, '0')}`;
/** 450 conversations, newest first; one of them runs. */
const all: ConversationSummary[] = Array.from({ length: PAGES }, (_, i) => ({
  id: idOf(i),
  created_at: '2026-11-23T12:00:00.000Z',
  updated_at: new Date(Date.UTC(2026, 0, 1) - i * 1000).toISOString(),
  mode: 'debate',
  models: ['a'],
  title: '',
  status: i === 7 ? 'running' : 'completed',
  turns: 1,
  exchanges: 1,
  trace_id: '',
}));

const core: Partial<CoreApi> = {
  listConversations: ({ limit, before }) =>
    fails
      ? Promise.reject(new Error('core is away'))
      : Promise.resolve(
          all.filter(({ updated_at }) => before === undefined || updated_at < before).slice(0, limit),
        ),
  verifyConversation: (id) =>
    Promise.resolve({
      id,
      ok: !broken.has(id),
      records: 3,
      broken_at: broken.has(id) ? 1 : null,
      reason: broken.has(id) ? 'Record 1 was changed.' : null,
      head: null,
    }),
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-governance-'));
  broken = new Set();
  fails = false;
  const env = { MCP_DATA: dir, ...testIdentities(), MCP_LOG_LEVEL: 'silent' };
  kit = await createKit(definition.config, {
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
  it('verifies every conversation that is not running, over all pages', async () => {
    const { app, api, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
    const answer = await app.request('/internal/jobs/log-check/run', {
      method: 'POST',
      headers: await callerHeaders('gateway', 'governance', ADMIN),
    });
    expect(await answer.json()).toMatchObject({
      job: 'log-check',
      ok: true,
      checked: PAGES - 1,
      failures: [],
      error: null,
    });
    expect(await kit.metrics.text()).toMatch(
      new RegExp(`provenance_verifications_total{service="governance",status="ok"} ${PAGES - 1}`),
    );
    expect(await api.jobs({} as never)).toMatchObject([
      { name: 'log-check', schedule: '0 3 * * *', last: { ok: true } },
    ]);
    await close();
  });

  it('names what is broken, and remembers it over a restart', async () => {
    broken.add(idOf(3)).add(idOf(444));
    const first = await definition.create(kit as Parameters<typeof definition.create>[0]);
    const run = await first.api.run('log-check', {} as never);
    expect(run).toMatchObject({
      ok: false,
      checked: PAGES - 1,
      failures: [{ id: idOf(3), broken_at: 1 }, { id: idOf(444) }],
    });
    await first.close();
    const again = await definition.create(kit as Parameters<typeof definition.create>[0]);
    expect((await again.api.jobs({} as never))[0]?.last).toMatchObject({ id: run.id, ok: false });
    await again.close();
  });

  it('says that it failed when the core is away, and two runs at once are one', async () => {
    fails = true;
    const { api, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
    const [one, two] = await Promise.all([
      api.run('log-check', {} as never),
      api.run('log-check', {} as never),
    ]);
    expect(one).toMatchObject({ ok: null, error: expect.stringContaining('failed') });
    expect(two.id).toBe(one.id);
    await expect(async () => api.run('no-such-job', {} as never)).rejects.toMatchObject({
      code: 'not_found',
    });
    await close();
  });

  it('makes up for a run that was missed', async () => {
    const first = await definition.create(kit as Parameters<typeof definition.create>[0]);
    await first.api.run('log-check', {} as never);
    await first.close();
    const path = join(dir, 'governance', 'log-check.json');
    const last = JSON.parse(readFileSync(path, 'utf8')) as { started_at: string };
    writeFileSync(path, JSON.stringify({ ...last, started_at: '2026-01-01T00:00:00.000Z' }));
    const late = await definition.create(kit as Parameters<typeof definition.create>[0]);
    await expect
      .poll(async () => (await late.api.jobs({} as never))[0]?.last?.started_at)
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
