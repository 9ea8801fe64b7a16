import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { type Disk, folderDisk } from '../../src/tlog/disk.ts';
import { TransparencyLog } from '../../src/tlog/log.ts';
import { leafHash, provesConsistency, provesInclusion } from '../../src/tlog/merkle.ts';
import { signerOf } from '../../src/tlog/note.ts';
import { crashAndRecover } from './crashes.ts';
import { MemoryDisk } from './memory-disk.ts';

const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
  name: 'mcp.example/eu-west',
  algorithm: 'ed25519',
});
const open = (disk: Disk, segment_entries = 512) => TransparencyLog.open({ disk, signer, segment_entries });
const entry = (n: number) => Buffer.from(`entry ${n}`);

describe('a log in a folder', () => {
  it('proves each of its entries, across full tiles, segments and a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tlog-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    let log = await open(folderDisk(folder));
    const indexes = await Promise.all(Array.from({ length: 1500 }, (_, n) => log.append(entry(n))));
    expect(indexes).toEqual(indexes.map((_, n) => n));
    await log.publish();
    const old = openCheckpoint(log.checkpoint, signer);
    await log.close();
    log = await open(folderDisk(folder));
    await Promise.all(Array.from({ length: 700 }, (_, n) => log.append(entry(1500 + n))));
    await log.publish();
    const current = openCheckpoint(log.checkpoint, signer);
    expect([old.size, current.size]).toEqual([1500, 2200]);
    for (const index of [0, 255, 256, 511, 512, 1023, 1499, 1500, 2199]) {
      expect((await log.entry(index)).toString()).toBe(entry(index).toString());
      const proof = await log.inclusion(index);
      const claim = { leaf: leafHash(entry(index)), index, ...current };
      expect(provesInclusion(proof, claim)).toBe(true);
      expect(provesInclusion(proof, { ...claim, leaf: leafHash(entry(index + 1)) })).toBe(false);
    }
    expect(provesConsistency(await log.consistency(old.size), { old, current })).toBe(true);
    await log.close();
  });
});

describe('an entry that comes as the one before is acknowledged', () => {
  it.each([1, 200])('is written too, at whichever moment: %i at once', async (burst) => {
    const log = await open(new MemoryDisk());
    const appended = () => Promise.all(Array.from({ length: burst }, (_, n) => log.append(entry(n))));
    for (let moment = 0; moment < 30; moment++) {
      await appended();
      for (let n = 0; n < moment; n++) await undefined;
      await appended();
    }
    expect(log.size).toBe(60 * burst);
    await log.close();
  });
});

describe('a checkpoint that is asked for while another is being written', () => {
  it('is over all that is on the disk by then', async () => {
    const log = await open(new MemoryDisk());
    for (let n = 0; n < 50; n++) {
      const index = await log.append(entry(2 * n));
      const first = log.publish();
      await log.append(entry(2 * n + 1));
      await log.publish();
      expect(log.published_size).toBe(index + 2);
      await first;
    }
    await log.close();
  });
});

describe('a log on a disk that fails', () => {
  it('has every entry that it acknowledged, whenever it is killed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.integer(),
          kills: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 3 }),
          burst: fc.integer({ min: 1, max: 400 }),
          full: fc.boolean(),
          lost: fc.boolean(),
        }),
        async (plan) => void (await crashAndRecover(plan)),
      ),
      { numRuns: Number(process.env.RUNS ?? 60) },
    );
  });
});
