/** What the memory of a log is while it grows: entries by 64 callers, signed as the service does, on a real disk. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { folderDisk, signerOf, TransparencyLog } from '../../packages/provenance/src/tlog/index.ts';
import { CALLERS, entryOf, PUBLISH_MS } from './appends.ts';
import type { Task } from './tamperings.ts';

const SAMPLES = 10;

interface Sample {
  readonly entries: number;
  readonly heap_mib: number;
  readonly rss_mib: number;
}

export async function growLog({ count }: Task) {
  const data = join(import.meta.dirname, 'data');
  mkdirSync(data, { recursive: true });
  const folder = mkdtempSync(join(data, 'memory-'));
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
    name: 'log.example/memory',
    algorithm: 'ed25519',
  });
  const log = await TransparencyLog.open({ disk: folderDisk(folder), signer });
  const publishing = setInterval(() => void log.publish(), PUBLISH_MS);
  try {
    const samples: Sample[] = [];
    const began_ms = performance.now();
    for (let n = 1; n <= SAMPLES; n++) {
      let next = Math.floor((count * (n - 1)) / SAMPLES);
      const end = Math.floor((count * n) / SAMPLES);
      const caller = async () => {
        while (next < end) await log.append(entryOf(next++));
      };
      await Promise.all(Array.from({ length: CALLERS }, caller));
      samples.push(sampleAt(log.size));
    }
    const seconds = (performance.now() - began_ms) / 1000;
    return { entries: count, per_second: Math.round(count / seconds), samples };
  } finally {
    clearInterval(publishing);
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Run with `--expose-gc`, so that what nobody holds any more does not count. */
function sampleAt(entries: number): Sample {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { entries, heap_mib: Math.round(heapUsed / 2 ** 20), rss_mib: Math.round(rss / 2 ** 20) };
}
