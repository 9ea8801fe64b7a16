import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetStore } from '@mcp/assets';
import { ServiceName } from '@mcp/contracts';
import { freePort } from '@mcp/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dataPaths, ROOT } from '../src/paths.ts';
import { chosenStack } from '../src/runner/choices.ts';
import { LocalPlatform } from '../src/runner/platform.ts';
import { probeReady } from '../src/runner/probe.ts';
import { isRunning, type ProcessMark } from '../src/runner/processes.ts';
import { readRunFile } from '../src/runner/run-file.ts';
import { fixtureRoot, recordingUi, scratch, until } from './support.ts';

async function begin(
  data = scratch(),
  choice: { in_process?: string; env?: NodeJS.ProcessEnv; port?: number; root?: string } = {},
) {
  const { ui, lines } = recordingUi();
  const controller = new AbortController();
  const platform = await LocalPlatform.start(
    {
      stack: chosenStack({ models: 'scripted', in_process: choice.in_process ?? 'none' }),
      paths: dataPaths(data),
      scripted: true,
      offline: true,
      host: '127.0.0.1',
      port: choice.port ?? (await freePort()),
    },
    {
      ui,
      assets: new AssetStore({ offline: true }),
      env: choice.env ?? { PATH: process.env.PATH, HOME: process.env.HOME },
      signal: controller.signal,
      root: choice.root ?? fixtureRoot(),
    },
  );
  onTestFinished(() => platform.stop());
  return { platform, lines, data, paths: dataPaths(data) };
}

function marks(run_file: string): ProcessMark[] {
  return (readRunFile(run_file)?.processes ?? []).flatMap(({ mark }) => (mark === null ? [] : [mark]));
}

function processOf(run_file: string, name: string) {
  const found = readRunFile(run_file)?.processes.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no process ${name} in ${run_file}`);
  return found;
}

describe('LocalPlatform', () => {
  it('starts a real event bus and every service, brings a killed one back, and leaves nothing', async () => {
    const { platform, lines, paths } = await begin();
    const all = marks(paths.run_file);
    expect(all).toHaveLength(ServiceName.options.length + 1);
    expect(
      platform
        .endpoints()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...ServiceName.options, 'nats'].sort());
    const core = processOf(paths.run_file, 'core');
    process.kill(core.mark?.pid ?? 0, 'SIGKILL');
    await until('core is back', () => {
      const now = processOf(paths.run_file, 'core');
      return now.state === 'ready' && now.mark?.pid !== core.mark?.pid;
    });
    expect(processOf(paths.run_file, 'core').restarts).toBe(1);
    expect(await probeReady(core.url)).toBeUndefined();
    expect(lines.join('\n')).toMatch(/core was ended by SIGKILL; it is started again in 0\.5 s/);
    await until('the line that it is back', () => lines.some((line) => line.includes('core is back')));
    const before_stop = marks(paths.run_file);
    await platform.stop();
    expect(before_stop.filter(isRunning)).toEqual([]);
    expect(existsSync(paths.run_file)).toBe(false);
  });

  it('gives a service the environment of its pod and no more', async () => {
    const secret = 'sk-not-for-everyone-000000000000000000';
    const { data, paths } = await begin(scratch(), {
      env: { PATH: process.env.PATH, OPENAI_API_KEY: secret, AWS_SECRET_ACCESS_KEY: 'x', MAX_TOKENS: '2048' },
    });
    const env = (name: string) => JSON.parse(readFileSync(join(data, `${name}.env.json`), 'utf8'));
    // llama.cpp tests its binary in a fork, which must not inherit the channel of its supervision.
    expect(JSON.parse(readFileSync(join(data, 'model-gateway.argv.json'), 'utf8'))).not.toContain('--import');
    expect(env('model-gateway').OPENAI_API_KEY).toBe(secret);
    expect(env('core')).not.toHaveProperty('OPENAI_API_KEY');
    expect(env('core').MAX_TOKENS).toBe('2048');
    expect(env('gateway')).not.toHaveProperty('PROV_SECRET');
    expect(env('gateway').MCP_ADMIN_KEY_HASH).toMatch(/^[0-9a-f]{64}$/);
    for (const name of ServiceName.options) expect(env(name)).not.toHaveProperty('AWS_SECRET_ACCESS_KEY');
    const files = readdirSync(paths.secrets);
    expect(files).toEqual(
      expect.arrayContaining(['admin.key', 'identity-gateway.key', 'provenance.key', 'nats.key']),
    );
    for (const file of files) expect(statSync(join(paths.secrets, file)).mode & 0o777).toBe(0o600);
    expect(statSync(join(paths.run, 'nats.conf')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(paths.secrets, 'admin.key'), 'utf8')).toMatch(/^mcp_[A-Za-z0-9_-]{43}\n$/);
  });

  it('runs services in one process as one process, each on its own port', async () => {
    const { platform, data, paths } = await begin(scratch(), { in_process: 'core,governance' });
    expect(JSON.parse(readFileSync(join(data, 'core.env.json'), 'utf8')).MCP_IN_PROCESS).toBe('governance');
    expect(marks(paths.run_file)).toHaveLength(ServiceName.options.length);
    const together = platform.endpoints().filter(({ name }) => name === 'core' || name === 'governance');
    expect(new Set(together.map(({ pid }) => pid)).size).toBe(1);
    expect(new Set(together.map(({ url }) => url)).size).toBe(2);
  });

  it('refuses a second platform on the same data directory, by pid and way out', async () => {
    const { data } = await begin();
    await expect(begin(data)).rejects.toThrow(
      new RegExp(`already runs on this data directory \\(pid ${process.pid}, .*npx mcp stop --data ${data}$`),
    );
  });

  it('names who holds the port of the gateway and leaves nothing half-started', async () => {
    const port = await freePort();
    const server = createServer((_, response) => response.end('not ours'));
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const data = scratch();
    await expect(begin(data, { port })).rejects.toThrow(
      new RegExp(`Port ${port} is taken by .*pid ${process.pid}.*--port`),
    );
    expect(existsSync(dataPaths(data).run_file)).toBe(false);
  });

  it('shows the log of a service that refuses its configuration, once, and leaves nothing', async () => {
    const data = scratch();
    writeFileSync(join(data, 'governance.misconfigured'), '');
    const started = begin(data);
    await expect(started).rejects.toThrow(
      /governance did not become ready: it refuses its configuration[\s\S]*MCP_FIXTURE is not set/,
    );
    expect(existsSync(dataPaths(data).run_file)).toBe(false);
  });

  it('shows why a real service refuses a flag, not where in its code', async () => {
    const started = begin(scratch(), {
      root: ROOT,
      env: { ...process.env, MODEL_ARBITRATION_ENABLED: 'maybe' },
    });
    const error = await started.catch((thrown: unknown) => String(thrown));
    expect(error).toMatch(/MODEL_ARBITRATION_ENABLED must be true or false, got "maybe"/);
    expect(error).not.toMatch(/^ *\|? *at /m);
  });

  it('kills what does not end by itself, soon', async () => {
    const data = scratch();
    for (const name of ['gateway', 'core']) writeFileSync(join(data, `${name}.stubborn`), '');
    const { platform, paths } = await begin(data);
    const all = marks(paths.run_file);
    const began_ms = Date.now();
    await platform.stop();
    expect(all.filter(isRunning)).toEqual([]);
    expect(Date.now() - began_ms).toBeLessThan(20_000);
  });

  it('leaves nothing when the runner itself is killed, and starts again after it', async () => {
    const data = scratch();
    const root = fixtureRoot();
    const script = fileURLToPath(new URL('./hold-platform.ts', import.meta.url));
    const runner = spawn(process.execPath, [script, data, root, String(await freePort())], {
      stdio: 'ignore',
    });
    onTestFinished(() => void runner.kill('SIGKILL'));
    const { run_file } = dataPaths(data);
    await until('the platform is ready', () => readRunFile(run_file)?.state === 'ready');
    const all = marks(run_file);
    expect(all).toHaveLength(ServiceName.options.length + 1);
    runner.kill('SIGKILL');
    await until('every process has ended', () => !all.some(isRunning), 60_000);
    const { paths } = await begin(data);
    expect(marks(paths.run_file)).toHaveLength(ServiceName.options.length + 1);
  });

  it('says that a data directory cannot be written to', async () => {
    const file = join(scratch(), 'file');
    writeFileSync(file, '');
    await expect(begin(join(file, 'data'))).rejects.toThrow(
      /data directory .* cannot be written to .*--data/,
    );
  });
});
