import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChatResponse, Conversation, ProofBundle, ServiceName } from '@mcp/contracts';
import { freePort } from '@mcp/testkit';
import type { Command } from 'commander';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { auditCommand } from '../src/commands/audit.ts';
import { holdsCommand } from '../src/commands/holds.ts';
import { subjectsCommand } from '../src/commands/subjects.ts';
import { dataPaths } from '../src/paths.ts';
import { isRunning } from '../src/runner/processes.ts';
import { readRunFile } from '../src/runner/run-file.ts';
import { scratch, until } from './support.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `mcp` with arguments as a process of its own. */
function mcp(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { child: ChildProcess; done: Promise<Result>; said: () => string } {
  const base = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_|.*_API_KEY$)/.test(name)),
  );
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...base, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    err += String(chunk);
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const done = new Promise<Result>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  return { child, done, said: () => out + err };
}

function marks(data: string) {
  return (readRunFile(dataPaths(data).run_file)?.processes ?? []).flatMap(({ mark }) =>
    mark === null ? [] : [mark],
  );
}

async function post(url: string, path: string, options: { key: string; body: unknown }): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${options.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(options.body),
  });
}

/** A bundle verifies by the keys that the platform publishes, also after they were rotated, and not once a word of it is another. */
async function provesOffline({ data, id }: { data: string; id: string }): Promise<void> {
  const file = join(data, 'bundle.json');
  expect(await mcp(['proof', id, '--out', file, '--data', data]).done).toMatchObject({ code: 0, err: '' });
  const { log_keys } = ProofBundle.parse(JSON.parse(readFileSync(file, 'utf8')));
  const check = (...more: string[]) => mcp(['verify', '--bundle', file, '--data', data, ...more]).done;
  const rotated = await mcp(['keys', 'rotate', '--data', data]).done;
  expect(rotated).toMatchObject({ code: 0, err: '' });
  expect(rotated.out).toMatch(/generate: [\s\S]* 2 keys follow each other without a gap/);
  const verified = await check('--key', log_keys[0] ?? '');
  expect(verified).toMatchObject({ code: 0, err: '' });
  expect(verified.out).toMatch(/records, head [0-9a-f]{64}, signed by [0-9a-f]{16}\n/);
  expect((await check()).out).toContain(
    `Compare them with those that you trust, or give them with --key:\n  ${log_keys[0]}`,
  );
  expect(await check('--key', 'nonsense')).toMatchObject({ code: 2 });
  writeFileSync(file, readFileSync(file, 'utf8').replace('sky', 'sea'));
  const changed = await check();
  expect(changed).toMatchObject({ code: 1 });
  expect(changed.out).toContain('Record 2 was changed after it was written.');
  expect((await mcp(['verify', '--since', '2000-01-01', '--data', data]).done).out).toMatch(
    /^[1-9]\d* logs checked, 0 broken/m,
  );
  expect((await mcp(['verify', '--since', '2999-01-01', '--data', data]).done).out).toContain(
    '0 logs checked',
  );
  expect(await mcp(['verify', '--since', 'yesterday', '--data', data]).done).toMatchObject({ code: 2 });
}

/** What a command says, in this process. */
async function said(
  args: readonly string[],
  command: () => Command = auditCommand,
): Promise<{ code: number; out: string }> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    await command().parseAsync([...args], { from: 'user' });
    return { code: Number(process.exitCode ?? 0), out };
  } finally {
    write.mockRestore();
    process.exitCode = 0;
  }
}

/** An audit bundle comes out of the platform as it was signed, and one other byte of it is found, and where. */
async function auditsOffline({ data, url }: { data: string; url: string }): Promise<void> {
  const key = readFileSync(join(data, 'secrets', 'admin.key'), 'utf8').trim();
  const made = await post(url, '/admin/governance/audit-bundle/run', { key, body: {} });
  expect(await made.json()).toMatchObject({ ok: true, complete: true });
  const [bundle] = JSON.parse((await said(['list', '--json', '--data', data])).out) as { id: string }[];
  const file = join(data, 'audit.json');
  await said(['get', bundle?.id ?? '', '--out', file, '--data', data]);
  const answer = await fetch(`${url}/v1/log`, { headers: { authorization: `Bearer ${key}` } });
  const { log_keys } = (await answer.json()) as { log_keys: string[] };
  const verify = ['verify', file, '--key', log_keys[0] ?? ''];
  expect(await said(verify)).toMatchObject({ code: 0, out: expect.stringContaining('the first one') });
  writeFileSync(file, readFileSync(file, 'utf8').replace('signed-images', 'signed-Images'));
  expect(await said(verify)).toMatchObject({
    code: 1,
    out: expect.stringContaining('policies: The part policies is not the one'),
  });
}

/** A hold refuses the erasure of its owner, and what it held can be erased once it is lifted. */
async function holdsAndErases(data: string): Promise<void> {
  const at = ['--data', data];
  const set = await said(['set', '--owner', 'key:ann/7', '--reason', 'Case 7/26', ...at], holdsCommand);
  const hold = set.out.slice(0, set.out.indexOf(':'));
  expect((await said(['list', ...at], holdsCommand)).out).toMatch(/key:ann\/7 +in force +Case 7\/26/);
  const erase = ['erase', 'key:ann/7', '--yes', ...at];
  await expect(said(erase, subjectsCommand)).rejects.toThrow(`under the legal hold ${hold}`);
  await said(['lift', hold, ...at], holdsCommand);
  expect((await said(erase, subjectsCommand)).out).toBe(
    '0 conversations and 0 jobs of key:ann/7 were erased.\n',
  );
  const out = join(data, 'subject.ndjson');
  expect((await said(['export', 'key:ann/7', '--out', out, ...at], subjectsCommand)).out).toContain(
    '0 conversations and 0 jobs',
  );
}

const QUESTION = {
  modelA: 'scripted/alpha',
  modelB: 'scripted/beta',
  exchanges: 2,
  message: 'Why is the sky blue?',
};

describe('mcp start --models scripted', () => {
  it('holds a recorded conversation, survives kill -9 of a service, and ends on Ctrl-C', async () => {
    const data = scratch();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const run = mcp(['start', '--models', 'scripted', '--port', String(port), '--data', data]);
    await until(
      `the platform is ready\n${run.said()}`,
      () => /Ready in/.test(run.said()) || run.child.exitCode !== null,
      30_000,
    );
    expect(run.said()).toMatch(/7 of 7 ready/);
    const key = readFileSync(join(data, 'secrets', 'admin.key'), 'utf8').trim();
    expect(run.said()).not.toContain(key);
    expect((await mcp(['key', '--data', data]).done).out.trim()).toBe(key);

    const first = await post(url, '/chat', { key, body: QUESTION });
    const text = await first.text();
    expect(first.status, text).toBe(200);
    const answer = ChatResponse.parse(JSON.parse(text));
    expect(answer.messages.map((turn) => turn.model)).toEqual(['scripted/alpha', 'scripted/beta']);

    const core = readRunFile(dataPaths(data).run_file)?.processes.find((one) => one.name === 'core');
    process.kill(core?.mark?.pid ?? 0, 'SIGKILL');
    let second: ChatResponse | undefined;
    await until('core answers again', async () => {
      const again = await post(url, '/chat', { key, body: QUESTION });
      if (again.ok) second = ChatResponse.parse(await again.json());
      return again.ok;
    });
    const kept = await fetch(`${url}/v1/conversations/${answer.id}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(Conversation.parse(await kept.json()).status).toBe('completed');

    // What the core that was killed had taken to the transparency log, another takes there seconds later.
    let verified: Result | undefined;
    const confirmed = async () => {
      verified = await mcp(['verify', answer.id, '--data', data]).done;
      return verified.code === 0;
    };
    await until('the log of the first conversation is confirmed', confirmed, 60_000);
    expect(verified?.out).toMatch(
      /in the transparency log mcp\.localhost\/local: entry \d+ of \d+, not witnessed/,
    );
    await provesOffline({ data, id: answer.id });
    // Spans reach the trace store a quarter of a second after they end.
    let trace = '';
    await until('the whole trace', async () => {
      trace = (await mcp(['trace', second?.id ?? '', '--data', data]).done).out;
      return trace.includes('POST route=/chat') && !trace.includes('incomplete');
    });
    expect(trace).toMatch(
      /http\.server\.request {2}gateway[\s\S]*core[\s\S]*model\.inference {2}model-gateway/,
    );
    const logs = await mcp(['logs', 'core', '-n', '5', '--data', data]).done;
    expect(logs.out).toMatch(/core +info/);

    const all = marks(data);
    expect(all).toHaveLength(ServiceName.options.length + 1);
    const began_ms = Date.now();
    run.child.kill('SIGINT');
    expect((await run.done).code).toBe(0);
    expect(Date.now() - began_ms).toBeLessThan(20_000);
    expect(all.filter(isRunning)).toEqual([]);
    for (const name of [...ServiceName.options, 'nats'])
      expect(readFileSync(join(data, 'logs', `${name}.log`), 'utf8')).not.toContain(key);
  }, 120_000);

  it('--detach returns when ready; status, a second start and stop tell the truth', async () => {
    const data = scratch();
    const port = await freePort();
    const args = ['--models', 'scripted', '--single-process', 'all', '--port', String(port), '--data', data];
    onTestFinished(async () => void (await mcp(['stop', '--data', data]).done));
    const started = await mcp(['start', ...args, '--detach']).done;
    expect(started).toMatchObject({ code: 0, err: '' });
    expect(started.out).toMatch(/runs in the background/);
    const status = await mcp(['status', '--json', '--data', data]).done;
    expect(status.code).toBe(0);
    expect(JSON.parse(status.out).processes.map((one: { state: string }) => one.state)).toEqual([
      'ready',
      'ready',
    ]);
    await auditsOffline({ data, url: `http://127.0.0.1:${port}` });
    await holdsAndErases(data);
    const second = await mcp(['start', ...args]).done;
    expect(second.code).toBe(4);
    expect(second.err).toMatch(/already runs on this data directory \(pid \d+.*npx mcp stop --data \S+\n/);
    const all = marks(data);
    const stopped = await mcp(['stop', '--data', data]).done;
    expect(stopped).toMatchObject({ code: 0, err: '' });
    expect(all.filter(isRunning)).toEqual([]);
    expect(existsSync(dataPaths(data).run_file)).toBe(false);
    expect((await mcp(['status', '--data', data]).done).code).toBe(3);
  }, 120_000);
});

describe('mcp says what is wrong in one line', () => {
  it.each([
    [['start', '--port', '99999'], 2, /--port <number>.*whole number from 1 to 65535/],
    [['start', '--models', 'gpt-9'], 2, /no model is called gpt-9/],
    [['start', '--single-process', 'kore'], 2, /no service is called kore/],
    [['strat'], 2, /unknown command 'strat'[\s\S]*Did you mean/],
    [['stack', 'show', 'moon'], 2, /Allowed choices are local, multi-region, dev, prod/],
    [['trace', 'nonsense'], 2, /neither a trace id/],
    [['key', '--data', '/dev/null/nowhere'], 1, /cannot be read/],
    [['logs', '--data', '/dev/null/nowhere'], 1, /has no logs yet/],
  ])('%j', async (args, code, message) => {
    const result = await mcp(args).done;
    expect(result.err).toMatch(message);
    expect(result.code).toBe(code);
    expect(result.err).not.toMatch(/\n\s+at /);
  });

  it('data directory that is a file', async () => {
    const path = join(scratch(), 'file');
    writeFileSync(path, '');
    const result = await mcp(['start', '--models', 'scripted', '--data', path]).done;
    expect(result).toMatchObject({ code: 1 });
    expect(result.err).toMatch(/^mcp: The data directory .* cannot be written to .*--data\.\n$/);
  });
});

describe('mcp tables', () => {
  it.each([
    [['stack', 'show', 'prod'], /eu-central[\s\S]*us-east/],
    [['stack', 'list'], /local[\s\S]*dev[\s\S]*prod/],
    [['flags'], /MODEL_ARBITRATION_ENABLED +on +default/],
    [['--help'], /Exit codes/],
    [['start', '--help'], /--offline/],
  ])('%j', async (args, text) => {
    const result = await mcp(args).done;
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).toMatch(text);
  });

  it('a flag set around the command is shown as such', async () => {
    const result = await mcp(['flags', '--json'], { MODEL_ARBITRATION_ENABLED: 'false' }).done;
    expect(JSON.parse(result.out)).toContainEqual(
      expect.objectContaining({ name: 'MODEL_ARBITRATION_ENABLED', value: false, source: 'environment' }),
    );
  });

  it('the pages in docs/ are as the code says', async () => {
    expect(await mcp(['docs', '--check']).done).toMatchObject({ code: 0 });
  });
});
