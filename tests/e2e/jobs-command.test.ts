import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Job, type JobStatus } from '@mcp/contracts';
import { freePort } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { type Shipped, startShipped } from './shipped.ts';

const MCP = fileURLToPath(new URL('../../tools/src/main.ts', import.meta.url));
/** An id that nothing has. */
const NOBODY = '0194f0c2-0000-7000-8000-00000000dead';

let running: Shipped;
let url: string;
beforeAll(async () => {
  running = await startShipped({
    services: ['task-engine', 'core', 'model-gateway', 'gateway'],
    models: [{ id: 'vectors', kind: 'embedding' }],
  });
  url = running.urls.gateway;
  await vi.waitFor(async () => expect((await ask('/v1/jobs')).status).toBe(200), 60_000);
});
afterAll(() => running?.stop());

const ask = (path: string, body?: unknown, key = running.key) =>
  fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** Makes a job and waits for its end. */
async function job(spec: object, end: JobStatus, key = running.key): Promise<string> {
  const { id } = Job.parse(await (await ask('/v1/jobs', { spec }, key)).json());
  await expect.poll(() => statusOf(id)).toBe(end);
  // The list is told of a change a moment later.
  await expect.poll(async () => await (await ask(`/v1/jobs?status=${end}`)).text()).toContain(id);
  return id;
}
const statusOf = async (id: string) => Job.parse(await (await ask(`/v1/jobs/${id}`)).json()).status;
const done = (key?: string) => job({ kind: 'embed-batch', texts: ['a', 'b'] }, 'completed', key);
const dead = () => job({ kind: 'summarize-conversation', conversation_id: NOBODY }, 'dead');

/** Runs `mcp jobs` as a process of its own, with a key in the environment. */
function jobs(args: readonly string[], options: { key?: string; to?: string | null } = {}) {
  const { key = running.key, to = url } = options;
  const where = to === null ? [] : ['--url', to];
  const child = spawn(process.execPath, [MCP, 'jobs', ...args, ...where], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1', MCP_KEY: key },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    said.err += String(chunk);
  });
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, ...said })),
  );
}

/** What a command prints that fails: one line on stderr, nothing else. */
const failed = (code: number, line: RegExp) => ({
  code,
  out: '',
  err: expect.stringMatching(new RegExp(`^mcp: ${line.source}\n$`)),
});
const line = (id: string) => new RegExp(`^ *${id} .*$`, 'm');

describe('mcp jobs', () => {
  it('lists jobs with how they are and why, those of one status, and as JSON', async () => {
    const [good, bad] = [await done(), await dead()];
    const all = await jobs([]);
    expect(all).toMatchObject({ code: 0, err: '' });
    expect(all.out).toMatch(/job +kind +status +attempt +progress +why/);
    expect(line(good).exec(all.out)?.[0]).toMatch(/embed-batch +completed +1 of 5 +2 of 2/);
    expect(line(bad).exec(all.out)?.[0]).toMatch(/summarize-conversation +dead +1 of 5 .*not_found: /);

    const some = await jobs(['--status', 'completed']);
    expect(some).toMatchObject({ code: 0, err: '', out: expect.stringContaining(good) });
    expect(some.out).not.toContain(bad);

    const json = await jobs(['--json', '--status', 'dead']);
    expect(json).toMatchObject({ code: 0, err: '' });
    const listed = z.array(Job).parse(JSON.parse(json.out));
    expect(listed.find(({ id }) => id === bad)).toMatchObject({ status: 'dead', attempt: 1 });
    expect(listed.filter(({ status }) => status !== 'dead')).toEqual([]);
    expect(await jobs(['--status', 'retrying'])).toEqual({ code: 0, out: 'There are none.\n', err: '' });
  });

  it('shows each key its own jobs, and an administrator all', async () => {
    const made = await (await ask('/admin/keys', { name: 'ann', scopes: ['jobs', 'chat'] })).json();
    const { key } = z.object({ key: z.string() }).parse(made);
    const [mine, anns] = [await done(), await done(key)];
    expect((await jobs([], { key })).out).toContain(anns);
    expect((await jobs([], { key })).out).not.toContain(mine);
    expect((await jobs([])).out).toContain(anns);
    const stranger = await jobs(['--retry', mine], { key });
    expect(stranger).toEqual(
      failed(1, new RegExp(`There is no job ${mine} of yours\\. GET /v1/jobs lists them\\.`)),
    );
  });

  it('sends one dead job again, and all of them, once each', async () => {
    const bad = [await dead(), await dead()];
    const [first = ''] = bad;
    const one = await jobs(['--retry', first]);
    expect(one).toMatchObject({ code: 0, err: '' });
    expect(line(first).exec(one.out)?.[0]).toMatch(/queued +0 of 5/);
    await expect.poll(() => statusOf(first)).toBe('dead');
    await expect.poll(async () => (await jobs(['--status', 'dead'])).out).toContain(first);

    // They die again at once: none is sent twice, or it would never end.
    const all = await jobs(['--retry', 'all', '--json']);
    expect(all).toMatchObject({ code: 0, err: '' });
    const sent = z.array(Job).parse(JSON.parse(all.out));
    expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 'queued'));
    expect(sent.map(({ id }) => id)).toEqual(expect.arrayContaining(bad));
    expect(new Set(sent.map(({ id }) => id)).size).toBe(sent.length);
  });
});

describe('mcp jobs says in one line, with its exit code, that', () => {
  it('a job is not there, is no id, or is not dead', async () => {
    expect(await jobs(['--retry', NOBODY])).toEqual(
      failed(1, new RegExp(`There is no job ${NOBODY} of yours\\. GET /v1/jobs lists them\\.`)),
    );
    expect(await jobs(['--retry', 'seven'])).toEqual(failed(1, /id: must be a UUID \(got seven\)\./));
    const good = await done();
    expect(await jobs(['--retry', good])).toEqual(
      failed(1, new RegExp(`The job ${good} is completed\\. Only a dead job can be sent again\\.`)),
    );
  });

  it('an option is wrong, before anything is done', async () => {
    const wrong = failed(
      2,
      /--status must be one of queued, running, retrying, completed, cancelled, dead\./,
    );
    expect(await jobs(['--status', 'lost'])).toEqual(wrong);
    expect(await jobs(['--status', 'lost', '--retry', 'all'])).toEqual(wrong);
    expect(await jobs(['--status', 'completed', '--retry', 'all'])).toEqual(
      failed(2, /--retry sends dead jobs again\. Leave --status completed out\./),
    );
    expect(await jobs(['--nonsense'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/unknown option/),
    });
  });

  it('a key is wrong, lacks the scope, or is missing', async () => {
    const wrong = await jobs([], { key: 'mcp_wrong' });
    expect(wrong).toEqual(failed(1, /.*key.*/));
    expect(wrong.err).not.toContain('mcp_wrong');
    const made = await (await ask('/admin/keys', { name: 'bob', scopes: ['chat'] })).json();
    const { key } = z.object({ key: z.string() }).parse(made);
    expect(await jobs([], { key })).toEqual(failed(1, /.*scope.*jobs.*/));
    expect(await jobs([], { key: '' })).toEqual(failed(2, /MCP_KEY is not set\. Set it to a key of .*\./));
  });

  it('no platform is there', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    expect(await jobs([], { to: nowhere })).toEqual(
      failed(1, new RegExp(`${nowhere} does not answer \\(.*\\)\\. Is it running\\? npx mcp status`)),
    );
    expect(await jobs([], { to: 'nowhere' })).toEqual(failed(2, /nowhere is not a URL\./));
    expect(await jobs(['--data', running.data], { to: null })).toEqual(
      failed(3, /Nothing runs on .*\. Start it with: npx mcp start --data .*/),
    );
  });

  it.each([
    ['a page', '<!doctype html><title>hi</title>'],
    ['other JSON', '{"models":[]}'],
  ])('something else is there, which answers with %s', async (_name, body) => {
    const server = createServer((_request, response) => response.end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await jobs([], { to })).toEqual(
      failed(
        1,
        new RegExp(`${to} answered, but not as a platform does\\. Is it the address of the gateway\\?`),
      ),
    );
  });
});
