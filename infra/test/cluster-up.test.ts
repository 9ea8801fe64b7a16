import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PROGRAM = join(import.meta.dirname, '..', 'programs', 'cluster-up.ts');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-cluster-up-'));
  mkdirSync(join(dir, 'bin'));
  // The commands that the doubles below are written in, and nothing else.
  for (const program of ['sh', 'env'])
    symlinkSync(`${existsSync(`/bin/${program}`) ? '' : '/usr'}/bin/${program}`, join(dir, 'bin', program));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A command that writes down what it is told; `knows`: the arguments at the beginning that it does not fail at. */
function command(name: string, knows: readonly string[]): string {
  const path = join(dir, 'bin', name);
  const known = knows.map((one) => `"${one}"*`).join(' | ');
  const text = `#!/bin/sh\ncase "$*" in ${known}) ;; *) exit 3 ;; esac\necho "${name} $*" >> "${dir}/calls"\n`;
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

function run(option: string, env: Readonly<Record<string, string>> = {}) {
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, option], {
    encoding: 'utf8',
    env: { PATH: join(dir, 'bin'), PULUMI_BACKEND_URL: `file://${dir}`, ...env },
  });
  const calls = existsSync(join(dir, 'calls')) ? readFileSync(join(dir, 'calls'), 'utf8') : '';
  return {
    status,
    stderr,
    calls: calls.split('\n').filter((line) => !/ (version|--help)$/.test(line) && line),
  };
}

const CLI = ['version', 'stack select', 'preview', 'up', 'destroy'];
/** What `tests/cluster` names where there is no CLI: three actions, a stack, and no questions. */
const STAND_IN = ['--help', 'preview --stack', 'up --stack', 'destroy --stack'];

describe('npm run cluster:up calls', () => {
  it('the CLI on PATH', () => {
    command('pulumi', CLI);
    command('npx', ['--yes pulumi']);
    expect(run('--no-images')).toMatchObject({
      status: 0,
      calls: ['pulumi stack select --create local', 'pulumi up --yes --stack local'],
    });
  });

  it('the npm package where there is none', () => {
    command('npx', ['--yes pulumi']);
    expect(run('--preview')).toMatchObject({
      status: 0,
      calls: [
        'npx --yes pulumi stack select --create local',
        'npx --yes pulumi preview --diff --stack local',
      ],
    });
  });

  it.each([
    ['--no-images', 'up'],
    ['--preview', 'preview'],
    ['--destroy', 'destroy'],
  ])('the command in MCP_PULUMI before both, as a stand-in understands it: %s', (option, action) => {
    command('pulumi', CLI);
    const engine = command(
      'engine',
      STAND_IN.map((words) => `--quiet ${words}`),
    );
    expect(run(option, { MCP_PULUMI: `${engine} --quiet` })).toMatchObject({
      status: 0,
      calls: [`engine --quiet ${action} --stack local`],
    });
  });

  it('nothing else when MCP_PULUMI names what is not there, and says what to do', () => {
    command('pulumi', CLI);
    const { status, stderr, calls } = run('--no-images', { MCP_PULUMI: join(dir, 'absent') });
    expect({ status, calls }).toEqual({ status: 1, calls: [] });
    expect(stderr).toContain('MCP_PULUMI names none');
    expect(stderr).toContain('npm run synth');
  });

  it('no action on a stack that could not be selected', () => {
    command(
      'pulumi',
      CLI.filter((words) => words !== 'stack select'),
    );
    expect(run('--destroy')).toMatchObject({ status: 3, calls: [] });
  });
});
