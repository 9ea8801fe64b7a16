import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeLock } from '../src/lock-file.mjs';

const MODULE = new URL('../src/lock-file.mjs', import.meta.url).href;
const SILENT = { silent_ms: 60_000 };

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-lock-'));
  path = join(dir, 'a.lock');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ageBy = (ms: number) => utimesSync(path, new Date(Date.now() - ms), new Date(Date.now() - ms));
/** The number of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['--eval', '']).pid;

it('is had by one at a time, and by the next once it is given back', () => {
  const first = takeLock(path, SILENT);
  expect(first).toBeDefined();
  expect(takeLock(path, SILENT)).toBeUndefined();
  first?.release();
  expect(existsSync(path)).toBe(false);
  expect(takeLock(path, SILENT)).toBeDefined();
});

it('is taken over from a dead process at once', () => {
  writeFileSync(path, `{"pid":${deadPid()},"token":"x"}\n`);
  expect(takeLock(path, SILENT)).toBeDefined();
});

it('is taken over when it is cut short anywhere, empty or no owner at all, once nobody can be writing it', () => {
  takeLock(path, SILENT);
  const whole = readFileSync(path, 'utf8');
  const left = fc.oneof(
    fc.nat(whole.length - 1).map((at) => whole.slice(0, at)),
    fc.string().filter((text) => !text.includes('"pid"')),
  );
  fc.assert(
    fc.property(left, (text) => {
      writeFileSync(path, text);
      expect(takeLock(path, SILENT)).toBeUndefined();
      ageBy(3000);
      const lock = takeLock(path, SILENT);
      expect(lock).toBeDefined();
      lock?.release();
      writeFileSync(path, '');
    }),
  );
});

it('is taken over as the folder that older versions made', () => {
  mkdirSync(path);
  ageBy(3000);
  expect(takeLock(path, SILENT)).toBeDefined();
});

it('is taken over from a live process that has long said nothing, which then gives back nothing of the new owner', () => {
  const lost = takeLock(path, SILENT);
  ageBy(50_000);
  expect(takeLock(path, SILENT)).toBeUndefined();
  lost?.touch();
  ageBy(61_000);
  const owner = takeLock(path, SILENT);
  expect(owner).toBeDefined();
  lost?.release();
  lost?.touch();
  expect(existsSync(path)).toBe(true);
  owner?.release();
  expect(existsSync(path)).toBe(false);
});

it('is held by at most one of several processes that find it left', async () => {
  // Each notes when it has the lock and when no more; the notes must not interleave.
  const notes = join(dir, 'notes');
  const script = `
    import { appendFileSync } from 'node:fs';
    import { takeLock } from ${JSON.stringify(MODULE)};
    for (let turns = 0; turns < 20; ) {
      const lock = takeLock(${JSON.stringify(path)}, { silent_ms: 60000 });
      if (lock === undefined) continue;
      appendFileSync(${JSON.stringify(notes)}, 'in ' + process.pid + '\\n');
      appendFileSync(${JSON.stringify(notes)}, 'out ' + process.pid + '\\n');
      lock.release();
      turns++;
    }`;
  writeFileSync(path, `{"pid":${deadPid()},"token":"x"}\n`);
  const children = [1, 2, 3].map(() => spawn(process.execPath, ['--input-type=module', '--eval', script]));
  const codes = await Promise.all(
    children.map((child) => new Promise((done) => child.once('close', (code) => done(code)))),
  );
  expect(codes).toEqual([0, 0, 0]);
  const lines = readFileSync(notes, 'utf8').trim().split('\n');
  expect(lines).toHaveLength(120);
  for (let at = 0; at < lines.length; at += 2) expect(lines[at + 1]).toBe(lines[at]?.replace('in', 'out'));
  expect(readdirSync(dir)).toEqual(['notes']);
}, 30_000);
