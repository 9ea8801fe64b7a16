import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  ChainVerdict,
  CoreApi,
  KeyChange,
  LogCheck,
  Principal,
  SettleJobsRequest,
  TaskEngineApi,
} from '@mcp/contracts';
import { createKit, type LocalApis, ownCall, type ServiceKit } from '@mcp/service-kit';
import { callerHeaders, startNats, testIdentities } from '@mcp/testkit';
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
/** What the core was asked to do with the keys of logs. */
let changes: KeyChange[];
/** What the task-engine was asked to do with jobs. */
let settled: SettleJobsRequest[];

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
  prune: () => Promise.resolve({ conversations: 1, records: 9, held: 0, complete: true }),
  dueJobs: ({ jobs }) =>
    fails
      ? Promise.reject(new Error('core is away'))
      : Promise.resolve({ due: jobs.slice(0, 1).map(({ id }) => id), held: 1 }),
  checkLogs: () => {
    const next = batches.shift();
    if (fails || next === undefined) return Promise.reject(new Error('core is away'));
    return Promise.resolve(next);
  },
  changeLogKeys: (change) => {
    changes.push(change);
    if (fails) return Promise.reject(new Error('the keys do not verify'));
    const keys = { active_key_id: 'a'.repeat(64), checksum: 'b' };
    return Promise.resolve({ dry_run: false, steps: [], before: keys, after: keys });
  },
};

const ended = (i: number) => ({
  id: idOf(i),
  owner: 'key:a',
  conversation_ids: [],
  ended_at: '2026-11-01T00:00:00.000Z',
});
/** Two pages of two jobs, with one between them that has none. */
const taskEngine: Partial<TaskEngineApi> = {
  ended: async ({ after }) =>
    after === 0
      ? { jobs: [ended(0), ended(1)], next: 5 }
      : after === 5
        ? { jobs: [], next: 9 }
        : { jobs: [ended(2), ended(3)], next: null },
  settle: async (request) => {
    settled.push(request);
    return { erased: request.erase.length, renewed: 0 };
  },
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-governance-'));
  batches = [batch({}), batch({ unconfirmed: 2 }), batch({ checked: 49, complete: true })];
  fails = false;
  changes = [];
  settled = [];
  const env = { MCP_DATA: dir, ...testIdentities(), MCP_LOG_LEVEL: 'silent' };
  kit = await createKit({
    manifest: definition.manifest,
    env,
    local: new Map<string, unknown>([
      ['core', core],
      ['task-engine', taskEngine],
    ]) as LocalApis,
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
      { name: 'log-check', schedule: '0 * * * *', last: { ok: true } },
      { name: 'key-rotation', schedule: '0 4 * * *', last: null },
      { name: 'retention', schedule: '0 2 * * *', last: null },
      { name: 'audit-bundle', schedule: '0 5 * * *', last: null },
      { name: 'energy', schedule: '0 3 * * *', last: null },
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

  it('has the core look after the keys of logs, and says when that fails', async () => {
    const { api, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
    expect(await api.run('key-rotation', call())).toMatchObject({ ok: true, complete: true, error: null });
    expect(changes).toEqual([{ change: 'rotate', dry_run: false, rotate_if_older_than_days: 30 }]);
    fails = true;
    expect(await api.run('key-rotation', call())).toMatchObject({
      ok: null,
      error: expect.stringContaining('failed'),
    });
    await close();
  });

  it('has jobs erased after conversations, those that are due and not held, page by page', async () => {
    const { api, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
    expect(await api.run('retention', call())).toMatchObject({ ok: true, checked: 3, complete: true });
    expect(settled).toEqual([
      { erase: [idOf(0)], keep: [idOf(1)] },
      { erase: [idOf(2)], keep: [idOf(3)] },
    ]);
    fails = true;
    expect(await api.run('retention', call())).toMatchObject({ ok: null });
    expect(settled).toHaveLength(2);
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

  it('says within which time each job has to succeed, by its schedule, and when it last did', async () => {
    const env = { MCP_DATA: dir, ...testIdentities(), MCP_LOG_LEVEL: 'silent' };
    const weekdays = await createKit({
      manifest: definition.manifest,
      env: { ...env, MCP_RETENTION_SCHEDULE: '0 2 * * 1-5' },
      local: new Map([['core', core]]) as LocalApis,
      draining: () => false,
    });
    const first = await definition.create(kit as Parameters<typeof definition.create>[0]);
    await first.api.run('log-check', call());
    await first.close();
    const again = await definition.create(weekdays as Parameters<typeof definition.create>[0]);
    const text = await weekdays.metrics.text();
    const hours = [
      ['log-check', 2],
      ['audit-bundle', 25],
      ['retention', 73],
    ] as const;
    for (const [job, due_hours] of hours)
      expect(text).toContain(
        `governance_run_due_seconds{service="governance",job="${job}"} ${due_hours * 3600}`,
      );
    expect(text).toMatch(
      /governance_last_success_timestamp_seconds\{service="governance",job="log-check"\} 1/,
    );
    expect(text).not.toMatch(/last_success[^\n]*retention/);
    await again.close();
    await weekdays.close();
  });

  it('answers services only', async () => {
    const { app, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
    expect((await app.request('/internal/jobs')).status).toBe(401);
    expect((await app.request('/healthz')).status).toBe(200);
    await close();
  });
});

it('the energy of models is brought up to date from what their replicas used, and its run recorded', async () => {
  const server = await startNats();
  const env = { MCP_DATA: dir, ...testIdentities(), MCP_LOG_LEVEL: 'silent', MCP_NATS_URL: server.url };
  const { manifest } = definition;
  const own = await createKit({ manifest, env, local: new Map(), draining: () => false });
  const kv = await (await own.bus()).bucket('mcp_model_energy', {});
  const keyOf = (model: string) => Buffer.from(model).toString('base64url');
  const record = { joules: 4000, tokens: 1000, j_per_token: 2, updated_ms: 0 };
  await kv.put(keyOf('busy'), JSON.stringify({ ...record, model: 'busy' }));
  await kv.put(keyOf('idle'), JSON.stringify({ ...record, model: 'idle', tokens: 499 }));
  const { api, close } = await definition.create(own as Parameters<typeof definition.create>[0]);
  expect(await api.run('energy', call())).toMatchObject({ ok: true, checked: 2, unconfirmed: 1 });
  expect((await kv.get(keyOf('busy')))?.json()).toMatchObject({ j_per_token: 2.6, joules: 0, tokens: 0 });
  expect((await kv.get(keyOf('idle')))?.json()).toMatchObject({ j_per_token: 2, tokens: 499 });
  expect(await api.run('energy', call())).toMatchObject({ ok: true, checked: 2, unconfirmed: 2 });
  expect(await api.jobs(call())).toContainEqual(
    expect.objectContaining({ name: 'energy', last: expect.objectContaining({ checked: 2 }) }),
  );
  await close();
  await own.close();
  await server.close();
});
