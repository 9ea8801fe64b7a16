import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { signingServices } from '@mcp/stacks';
import { freePort } from '@mcp/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dataFlag, dataPaths } from '../src/paths.ts';
import { rotate, tail } from '../src/runner/log-file.ts';
import { isRunning, markOf } from '../src/runner/processes.ts';
import { Reservations } from '../src/runner/reserve.ts';
import { dropRunFile, takeRunFile, writeRunFile } from '../src/runner/run-file.ts';
import { ensureSecrets, readSecret } from '../src/runner/secrets.ts';
import { scratch } from './support.ts';

/** A process id that nothing has any more. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('logs', () => {
  it('a full one is turned over, three older ones are kept, and the writer goes on in the same file', () => {
    const path = join(scratch(), 'core.log');
    for (const text of ['first', 'second', 'third', 'fourth', 'fifth']) {
      appendFileSync(path, `${text}\n`);
      expect(rotate(path, 5)).toBe(true);
    }
    expect(readFileSync(path, 'utf8')).toBe('');
    expect([1, 2, 3].map((at) => readFileSync(`${path}.${at}`, 'utf8'))).toEqual([
      'fifth\n',
      'fourth\n',
      'third\n',
    ]);
    expect(existsSync(`${path}.4`)).toBe(false);
    expect(rotate(path, 5)).toBe(false);
    expect(rotate(join(path, 'nowhere'), 5)).toBe(false);
  });

  it('tail gives the last lines, of a bounded piece of the file', () => {
    const path = join(scratch(), 'core.log');
    writeFileSync(path, Array.from({ length: 1000 }, (_, at) => `line ${at}`).join('\n'));
    expect(tail(path, 2)).toEqual(['line 998', 'line 999']);
    expect(tail(path, 100, 20)).toHaveLength(3);
    expect(tail(path, 0)).toEqual([]);
    expect(tail(`${path}.none`, 5)).toEqual([]);
  });
});

describe('secrets', () => {
  it('are made once, for their owner only, and never again', () => {
    const dir = join(scratch(), 'secrets');
    const first = ensureSecrets(dir);
    expect(ensureSecrets(dir)).toEqual(first);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(readdirSync(dir)).toEqual(
      expect.arrayContaining([
        'admin.key',
        ...[...signingServices].sort().map((name) => `identity-${name}.key`),
        'nats.key',
        'provenance.key',
      ]),
    );
    for (const file of readdirSync(dir)) expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
    expect(first.get('admin')).toMatch(/^mcp_[A-Za-z0-9_-]{43}$/);
    expect(new Set(first.values()).size).toBe(readdirSync(dir).length);
  });

  it('that others could read are closed again; a cut one is refused', () => {
    const dir = scratch();
    ensureSecrets(dir);
    const path = join(dir, 'admin.key');
    chmodSync(path, 0o644);
    readSecret(dir, 'admin');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, 'short');
    expect(() => readSecret(dir, 'admin')).toThrow(/fewer than 32 characters.*backup/);
  });
});

describe('reservations', () => {
  it('keep a port from another start until they are given back', async () => {
    const port = await freePort();
    const [one, other] = [new Reservations(), new Reservations()];
    onTestFinished(() => one.release());
    expect(one.take(port)).toBe(true);
    expect(other.take(port)).toBe(false);
    one.release();
    expect(other.take(port)).toBe(true);
    other.release(port);
  });

  it('of a dead start count for nothing', async () => {
    const port = await freePort();
    const reservations = new Reservations();
    onTestFinished(() => reservations.release());
    reservations.take(port);
    reservations.release();
    const dir = join(tmpdir(), `mcp-ports-${userInfo().username.replaceAll(/\W/g, '_')}`);
    writeFileSync(join(dir, String(port)), JSON.stringify({ pid: deadPid(), started: '1' }));
    expect(reservations.take(port)).toBe(true);
  });
});

describe('the flag for a data directory', () => {
  it('is left out for the default one only, and can be pasted in a shell', () => {
    const usual = dataPaths(undefined, {}).dir;
    expect(dataFlag(usual, {})).toBe('');
    expect(dataFlag(usual, { MCP_DATA: '/srv/other' })).toBe(` --data ${usual}`);
    expect(dataFlag('/srv/mcp', { MCP_DATA: '/srv/mcp' })).toBe(' --data /srv/mcp');
    const odd = "/srv/it's $HOME";
    const echoed = spawnSync('sh', ['-c', `printf %s ${dataFlag(odd, {}).replace(' --data ', '')}`]);
    expect(echoed.stdout.toString()).toBe(odd);
  });
});

describe('the run file', () => {
  it('of a dead runner is cleared, of a later process with the same id as well', async () => {
    const path = join(scratch(), 'run', 'platform.json');
    const first = await takeRunFile(path, 'http://localhost:1');
    for (const runner of [
      { pid: deadPid(), started: '1' },
      { pid: process.pid, started: 'another time' },
    ]) {
      writeRunFile(path, { ...first, runner });
      expect((await takeRunFile(path, 'http://localhost:2')).url).toBe('http://localhost:2');
    }
    await expect(takeRunFile(path, 'http://localhost:3')).rejects.toThrow(
      /already runs.*http:\/\/localhost:2/,
    );
    dropRunFile(path);
    expect(existsSync(path)).toBe(false);
  });

  it('tells a process from a later one with the same id', () => {
    const mark = markOf(process.pid);
    expect(mark !== undefined && isRunning(mark)).toBe(true);
    expect(isRunning({ pid: process.pid, started: 'another time' })).toBe(false);
    expect(markOf(deadPid())).toBeUndefined();
  });
});
