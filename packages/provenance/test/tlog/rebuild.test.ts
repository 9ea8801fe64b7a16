import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkLog } from '../../src/tlog/check.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { TransparencyLog } from '../../src/tlog/log.ts';
import { leafHash, provesConsistency, provesInclusion } from '../../src/tlog/merkle.ts';
import { signerOf } from '../../src/tlog/note.ts';
import { rebuildLog } from '../../src/tlog/rebuild.ts';
import { encodeBundle } from '../../src/tlog/tiles.ts';
import { MemoryDisk } from './memory-disk.ts';

const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
  name: 'mcp.example/eu-west',
  algorithm: 'ed25519',
});
const entry = (n: number) => Buffer.from(`entry ${n}`);

async function logOf(disk: MemoryDisk, size: number, text = entry): Promise<TransparencyLog> {
  const log = await TransparencyLog.open({ disk, signer });
  await Promise.all(Array.from({ length: size }, (_, n) => log.append(text(n))));
  await log.publish();
  return log;
}

/** The log rebuilt from what is left of another one. */
async function rebuilt(
  from: MemoryDisk,
  { checkpoint, known }: { checkpoint: string; known: readonly string[] },
) {
  const disk = new MemoryDisk();
  const bundle = async (path: string) => from.files.get(path) ?? Buffer.alloc(0);
  await rebuildLog({ disk, log: signer, checkpoint, known, bundle });
  return disk;
}

it('is the log that it was, proves what it had proven, and goes on', async () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 1200 }), fc.constantFrom(1, 255, 256, 257, 512, 768));
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), async (size, at) => {
      const lost = new MemoryDisk();
      const log = await logOf(lost, size);
      const before = openCheckpoint(log.checkpoint, signer);
      const old_size = 1 + (at % size);
      const disk = await rebuilt(lost, {
        checkpoint: log.checkpoint,
        known: [await log.checkpointAt(old_size), log.checkpoint],
      });
      expect(await checkLog({ disk, log: signer, closed: true })).toMatchObject({ ok: true, size });
      const again = await TransparencyLog.open({ disk, signer });
      expect(await again.append(entry(size))).toBe(size);
      await again.publish();
      const current = openCheckpoint(again.checkpoint, signer);
      expect(provesConsistency(await again.consistency(size, size + 1), { old: before, current })).toBe(true);
      const index = at % (size + 1);
      const claim = { leaf: leafHash(entry(index)), index, ...current };
      expect(provesInclusion(await again.inclusion(index), claim)).toBe(true);
    }),
    { numRuns: 25 },
  );
});

it('writes no checkpoint where the copy is not what was signed, or lacks what others have seen', async () => {
  const lost = new MemoryDisk();
  const log = await logOf(lost, 600);
  const { checkpoint } = log;
  const other = await logOf(new MemoryDisk(), 600, (n) => entry(n + 1));
  const changed = lost.copy();
  changed.files.set('tile/entries/001', encodeBundle(Array.from({ length: 256 }, (_, n) => entry(n))));
  const missing = lost.copy();
  missing.files.delete('tile/entries/002.p/88');
  await log.append(entry(600));
  await log.publish();
  const refused = [
    [changed, [], /first 600 entries of the copy are not those/],
    [changed, [await log.checkpointAt(300)], /first 300 entries of the copy are not those/],
    [missing, [], /bundle ends in the middle/],
    [lost, [log.checkpoint], /has 600 entries, and 601 were signed.*from 600 on are missing/],
    [lost, [await other.checkpointAt(400)], /first 400 entries of the copy are not those/],
  ] as const;
  for (const [from, known, reason] of refused)
    await expect(rebuilt(from, { checkpoint, known })).rejects.toThrow(reason);
  const disk = new MemoryDisk();
  const bundle = async (path: string) => changed.files.get(path) ?? Buffer.alloc(0);
  await rebuildLog({ disk, log: signer, checkpoint, known: [], bundle }).catch(() => undefined);
  expect([...disk.files.keys()].filter((path) => /^(checkpoint|wal)/.test(path))).toEqual([]);
});
