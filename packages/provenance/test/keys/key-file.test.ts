import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { HeldKeys } from '../../src/index.ts';
import { keyFile } from '../../src/keys/key-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'mcp-keys-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function open(path: string) {
  const held = await HeldKeys.open({ store: keyFile(path) });
  held.close();
  return held;
}

describe('a key ring in a file', () => {
  it('is made once by all who begin at the same time, for its owner alone', async () => {
    const path = join(dir, 'secrets', 'made.json');
    const [one, ...others] = await Promise.all([open(path), open(path), open(path)]);
    for (const other of others) expect(other.published()).toEqual(one.published());
    expect(statSync(path).mode & 0o777).toBe(0o600);
    chmodSync(path, 0o644);
    await open(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is changed by one at a time: nothing of another is lost', async () => {
    const path = join(dir, 'changed.json');
    const all = [await open(path), await open(path), await open(path)];
    await Promise.all(all.map((one) => one.change({ change: 'rotate', dry_run: false })));
    for (const one of all) await one.refresh();
    const [first, ...others] = all.map((one) => one.published());
    for (const other of others) expect(other).toEqual(first);
    expect(readFileSync(path, 'utf8')).toContain(first?.active_key_id);
  });

  it('is never made anew in the place of a damaged one', async () => {
    const path = join(dir, 'damaged.json');
    await open(path);
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -20));
    await expect(open(path)).rejects.toThrow(/damaged\.json is damaged\. Put it back from a backup/);
  });
});
