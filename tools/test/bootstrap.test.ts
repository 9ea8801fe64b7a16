import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let root: string;

/** A checkout with the real bootstrap, a stand-in for npm and one for the `mcp` command. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcp-bootstrap-'));
  cpSync(join(ROOT, 'tools/bootstrap'), join(root, 'tools/bootstrap'), { recursive: true });
  for (const file of ['cache-dir.mjs', 'lock-file.mjs'])
    cpSync(join(ROOT, 'packages/assets/src', file), join(root, 'packages/assets/src', file));
  mkdirSync(join(root, 'tools/src'), { recursive: true });
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'package-lock.json'), '{"lockfileVersion":3}');
  writeFileSync(
    join(root, 'tools/src/main.ts'),
    'const said: string = process.argv.slice(2).join(" ");\nconsole.log(`mcp ${said}`);\nprocess.exit(said.includes("fail") ? 7 : 0);\n',
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function npmThat(script: string): void {
  const path = join(root, 'bin/npm');
  writeFileSync(path, `#!/bin/sh\necho "$@" >> "${root}/npm.calls"\n${script}\n`);
  chmodSync(path, 0o755);
}

function bootstrap(...args: string[]) {
  const { npm_execpath: _real, ...env } = process.env;
  return spawnSync(process.execPath, [join(root, 'tools/bootstrap/run.mjs'), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...env, PATH: `${join(root, 'bin')}:${process.env.PATH}`, MCP_CACHE: join(root, 'cache') },
  });
}

/** The same, beside another. */
function bootstrapped(...args: string[]): Promise<{ status: number | null; stderr: string }> {
  const { npm_execpath: _real, ...env } = process.env;
  const child = spawn(process.execPath, [join(root, 'tools/bootstrap/run.mjs'), ...args], {
    cwd: root,
    env: { ...env, PATH: `${join(root, 'bin')}:${process.env.PATH}`, MCP_CACHE: join(root, 'cache') },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((done) => child.once('close', (status) => done({ status, stderr })));
}

const calls = () =>
  existsSync(join(root, 'npm.calls')) ? readFileSync(join(root, 'npm.calls'), 'utf8').trim().split('\n') : [];

describe('the bootstrap', () => {
  it('installs once, without install scripts, hands over and gives the exit code on', () => {
    npmThat('mkdir -p node_modules');
    const first = bootstrap('status', '--json');
    expect(first.stderr).toMatch(/installing dependencies[\s\S]*dependencies are here/);
    expect(first.stdout).toBe('mcp status --json\n');
    expect(first.status).toBe(0);
    expect(calls()).toEqual([expect.stringMatching(/^ci --ignore-scripts/)]);
    const second = bootstrap('fail');
    expect(second.stderr).toBe('');
    expect(second.status).toBe(7);
    expect(calls()).toHaveLength(1);
  });

  it('installs again when the lock file changed', () => {
    npmThat('mkdir -p node_modules');
    bootstrap('status');
    writeFileSync(join(root, 'package-lock.json'), '{"lockfileVersion":3,"packages":{}}');
    bootstrap('status');
    expect(calls()).toHaveLength(2);
  });

  it.each([
    [
      'npm error code ENOTFOUND\nnpm error network request failed',
      /cannot be installed:[\s\S]*registry cannot be reached/,
    ],
    ['npm error code ENOSPC', /The disk is full/],
    ['npm error code EACCES', /cannot be written to/],
  ])('says what to do after %j, and leaves nothing half installed', (stderr, message) => {
    npmThat(`mkdir -p node_modules; printf '${stderr.replaceAll('\n', '\\n')}\\n' >&2; exit 1`);
    const failed = bootstrap('status');
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(message);
    expect(existsSync(join(root, 'node_modules/.mcp-install'))).toBe(false);
    npmThat('true');
    expect(bootstrap('status').status).toBe(0);
  });

  it.each([
    ['an empty lock', (path: string) => writeFileSync(path, '')],
    ['one cut short', (path: string) => writeFileSync(path, `{"pid":${process.pid}`)],
    ['one of a dead process', (path: string) => writeFileSync(path, '{"pid":4194303,"token":"x"}\n')],
    ['one of an older version, a folder', (path: string) => mkdirSync(path)],
  ])('goes on after a crash that left %s', (_, leave) => {
    npmThat('mkdir -p node_modules');
    const path = join(root, '.mcp-install.lock');
    leave(path);
    const long_ago = new Date(Date.now() - 10_000);
    utimesSync(path, long_ago, long_ago);
    const started = bootstrap('status');
    expect(started.status).toBe(0);
    expect(started.stderr).not.toContain('waiting');
    expect(calls()).toHaveLength(1);
    expect(existsSync(path)).toBe(false);
  });

  it('waits for a start that installs, and then has nothing to do', async () => {
    npmThat('sleep 1; mkdir -p node_modules');
    const both = await Promise.all([bootstrapped('status'), bootstrapped('status')]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(both.filter(({ stderr }) => stderr.includes('another start is installing'))).toHaveLength(1);
    expect(calls()).toHaveLength(1);
  });

  it('asks for the Node that package.json asks for', () => {
    const floor = /FLOOR = \[(\d+), (\d+)\]/.exec(
      readFileSync(join(ROOT, 'tools/bootstrap/node-runtime.mjs'), 'utf8'),
    );
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    expect(engines.node).toBe(`>=${floor?.[1]}.${floor?.[2]}`);
  });

  it('is plain JavaScript that an old Node can read', () => {
    for (const file of ['run', 'say', 'node-runtime', 'dependencies', 'chromium']) {
      expect(() =>
        execFileSync(process.execPath, ['--check', join(ROOT, `tools/bootstrap/${file}.mjs`)]),
      ).not.toThrow();
      expect(readFileSync(join(ROOT, `tools/bootstrap/${file}.mjs`), 'utf8')).not.toMatch(
        /findLast\(|Object\.groupBy|with \{ type/,
      );
    }
  });
});
