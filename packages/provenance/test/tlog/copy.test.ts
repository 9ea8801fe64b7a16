import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogCopy } from '../../src/tlog/copy.ts';
import { TransparencyLog } from '../../src/tlog/log.ts';
import { signerOf } from '../../src/tlog/note.ts';
import { MemoryDisk } from './memory-disk.ts';

const origin = 'mcp.example/eu-west';
const { privateKey } = generateKeyPairSync('ed25519');
const signer = signerOf(privateKey, { name: origin, algorithm: 'ed25519' });
const open = (disk: MemoryDisk) => LogCopy.open({ disk, origin, keys: () => [signer] });

async function logOf(size: number, name = 'entry'): Promise<TransparencyLog> {
  const log = await TransparencyLog.open({ disk: new MemoryDisk(), signer });
  await Promise.all(Array.from({ length: size }, (_, n) => log.append(Buffer.from(`${name} ${n}`))));
  await log.publish();
  return log;
}

const batch = async (log: TransparencyLog, from: number, to: number) => ({
  from,
  entries: await log.entries(from, to),
  checkpoint: await log.checkpointAt(to),
});

/** Full tiles and bundles, without the parts that other checkpoints needed. */
const full = ({ files }: MemoryDisk) =>
  new Map([...files].filter(([path]) => path.startsWith('tile/') && !path.includes('.p/')));

describe('a copy of a log', () => {
  it('is the log, however its entries come, again or with a gap, and over restarts', async () => {
    const log = await logOf(1100);
    const own = new MemoryDisk();
    const direct = await open(own);
    await direct.take(await batch(log, 0, 1100));
    const place = fc.record({
      from: fc.nat(1099),
      length: fc.integer({ min: 1, max: 600 }),
      restarts: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 12 }), async (places) => {
        const disk = new MemoryDisk();
        let copy = await open(disk);
        for (const { from, length, restarts } of places) {
          const before = copy.size;
          const to = Math.min(1100, from + length);
          const { status } = await copy.take(await batch(log, from, to));
          expect(status).toBe(from > before ? 'gap' : to > before ? 'taken' : 'known');
          expect(copy.size).toBe(status === 'taken' ? to : before);
          if (restarts) copy = await open(disk);
          expect(copy.checkpoint).toBe(copy.size === 0 ? '' : await log.checkpointAt(copy.size));
        }
        if (copy.size < 1100) await copy.take(await batch(log, copy.size, 1100));
        expect(full(disk)).toEqual(full(own));
        expect(await copy.fits(await log.checkpointAt(700))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('takes no changed batch, and goes on with the right one', async () => {
    const [log, others] = [await logOf(900), await logOf(900, 'another')];
    const stranger = signerOf(generateKeyPairSync('ed25519').privateKey, {
      name: origin,
      algorithm: 'ed25519',
    });
    const strangers = await TransparencyLog.open({ disk: new MemoryDisk(), signer: stranger });
    const change = fc.record({
      size: fc.integer({ min: 1, max: 600 }),
      length: fc.integer({ min: 2, max: 299 }),
      at: fc.nat(),
      how: fc.constantFrom('byte', 'lost', 'order', 'twice', 'checkpoint', 'key', 'log', 'size'),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ size, length, at, how }) => {
        const disk = new MemoryDisk();
        const copy = await open(disk);
        await copy.take(await batch(log, 0, size));
        const good = await batch(log, size, size + length);
        const n = at % length;
        const { entries, checkpoint } = good;
        const changed = {
          byte: { ...good, entries: entries.with(n, Buffer.from('changed')) },
          lost: { ...good, entries: entries.toSpliced(n, 1) },
          order: { ...good, entries: entries.toReversed() },
          twice: { ...good, entries: entries.toSpliced(n, 0, entries[n] as Buffer).slice(0, length) },
          checkpoint: { ...good, checkpoint: checkpoint.replace(/\n(\w)/g, '\n9$1') },
          key: { ...good, checkpoint: strangers.checkpoint },
          log: { ...good, checkpoint: await others.checkpointAt(size + length) },
          size: { ...good, checkpoint: await log.checkpointAt(size + length - 1) },
        }[how];
        // The last entry twice in place of itself is no change.
        if (how === 'twice' && n === length - 1) return;
        expect(await copy.take(changed)).toMatchObject({ status: 'broken' });
        expect([copy.size, (await open(disk)).size]).toEqual([size, size]);
        expect(await copy.take(good)).toEqual({ status: 'taken' });
        const rewritten = await batch(others, 0, size);
        expect(await copy.take(rewritten)).toMatchObject({ status: 'two_histories' });
        expect(await copy.fits(rewritten.checkpoint)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('says that its files were changed, and begins anew beside them', async () => {
    const log = await logOf(300);
    const disk = new MemoryDisk();
    await (await open(disk)).take(await batch(log, 0, 300));
    for (const path of ['tile/0/000', 'tile/entries/001.p/44', 'checkpoint']) {
      const changed = disk.copy();
      changed.files.set(path, Buffer.from((changed.files.get(path) ?? Buffer.alloc(0)).toReversed()));
      await expect(open(changed), path).rejects.toThrow(/The copy of mcp\.example\/eu-west/);
      const copy = LogCopy.anew({ disk: changed, origin, keys: () => [signer] });
      expect(copy.size).toBe(0);
      await copy.take(await batch(log, 0, 300));
      expect((await open(changed)).size).toBe(300);
    }
    const other = await batch(log, 0, 300);
    const renamed = LogCopy.anew({ disk, origin: 'mcp.example/other', keys: () => [signer] });
    expect(await renamed.take(other)).toEqual({ status: 'other_log' });
  });
});
