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
import { LogDamagedError } from '../../src/tlog/tile-store.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
  name: 'mcp.example/eu-west',
  algorithm: 'ed25519',
});
const open = (disk: Disk, segment_entries = 512) => TransparencyLog.open({ disk, signer, segment_entries });
const entry = (n: number, run = 0) => Buffer.from(`entry ${n} of run ${run}`);

/** A small generator with a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

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

describe('a checkpoint that is asked for while another is being written', () => {
  it('is over all that is on the disk by then', async () => {
    const log = await open(new SimulatedDisk({ random: randomOf(1), kill_at: Number.POSITIVE_INFINITY }));
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
        async ({ seed, kills, burst, full, lost }) => {
          const random = randomOf(seed);
          const faults = {
            random,
            ...(full ? { full: () => random() < 0.1 } : {}),
            ...(lost ? { lost: () => random() < 0.05 } : {}),
          };
          const acknowledged = new Map<number, string>();
          let promised: ReturnType<typeof openCheckpoint> | undefined;
          let disk = new SimulatedDisk({ ...faults, kill_at: kills[0] as number });
          for (const [run, next] of [...kills.slice(1), undefined].entries()) {
            try {
              const log = await open(disk, 256);
              for (let round = 0; round < 8; round++) {
                const work = Array.from({ length: burst }, async (_, n) => {
                  const text = entry(round * burst + n, run);
                  acknowledged.set(await log.append(text), text.toString());
                });
                await Promise.allSettled(work);
                await log.publish();
                promised = openCheckpoint(log.checkpoint, signer);
              }
            } catch (error) {
              if (error instanceof LogDamagedError) throw error;
            }
            disk = disk.restarted(next === undefined ? { random } : { ...faults, kill_at: next });
          }
          const log = await open(disk, 256);
          for (const [index, text] of acknowledged) expect((await log.entry(index)).toString()).toBe(text);
          const current = openCheckpoint(log.checkpoint, signer);
          if (promised !== undefined) {
            const proof = await log.consistency(promised.size);
            expect(provesConsistency(proof, { old: promised, current })).toBe(true);
          }
          const [last] = [...acknowledged].toReversed();
          if (last !== undefined) {
            const [index, text] = last;
            const claim = { leaf: leafHash(Buffer.from(text)), index, ...current };
            expect(provesInclusion(await log.inclusion(index), claim)).toBe(true);
          }
        },
      ),
      { numRuns: Number(process.env.RUNS ?? 150) },
    );
  });
});
