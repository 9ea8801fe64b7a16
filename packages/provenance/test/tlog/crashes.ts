/** A log that is killed and recovered on a simulated disk: for the test, and in number for the benchmark. */
import { generateKeyPairSync } from 'node:crypto';
import { checkLog } from '../../src/tlog/check.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import type { Disk } from '../../src/tlog/disk.ts';
import { TransparencyLog } from '../../src/tlog/log.ts';
import { leafHash, provesConsistency, provesInclusion } from '../../src/tlog/merkle.ts';
import { signerOf } from '../../src/tlog/note.ts';
import { LogDamagedError } from '../../src/tlog/tile-store.ts';
import { chanceOf } from '../tampering/outcome.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
  name: 'mcp.example/crashes',
  algorithm: 'ed25519',
});
const open = (disk: Disk) => TransparencyLog.open({ disk, signer, segment_entries: 256 });
const ROUNDS = 8;

export interface CrashPlan {
  readonly seed: number;
  /** For each run of the process, the operation of the disk at which it dies. */
  readonly kills: readonly number[];
  /** Entries that are appended at once. */
  readonly burst: number;
  /** Whether the disk is full at times, and whether it loses what was synced. */
  readonly full: boolean;
  readonly lost: boolean;
}

/** Throws where an entry that was acknowledged is not there, or what was signed is not the beginning of what is; returns how many were. */
export async function crashAndRecover({ seed, kills, burst, full, lost }: CrashPlan): Promise<number> {
  const chance = chanceOf(seed);
  const random = () => chance.below(2 ** 30) / 2 ** 30;
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
      const log = await open(disk);
      for (let round = 0; round < ROUNDS; round++) {
        const work = Array.from({ length: burst }, async (_, n) => {
          const text = `entry ${round * burst + n} of run ${run}`;
          acknowledged.set(await log.append(Buffer.from(text)), text);
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
  const log = await open(disk);
  for (const [index, text] of acknowledged)
    if ((await log.entry(index)).toString() !== text) throw new Error(`Entry ${index} is another one.`);
  await proveAll(log, { acknowledged, promised });
  const verdict = await checkLog({ disk, log: signer, remembered: promised === undefined ? [] : [promised] });
  if (!verdict.ok) throw new Error(`A false alarm after recovery: ${verdict.reason}`);
  await log.close();
  return acknowledged.size;
}

interface Before {
  readonly acknowledged: ReadonlyMap<number, string>;
  readonly promised: ReturnType<typeof openCheckpoint> | undefined;
}

async function proveAll(log: TransparencyLog, { acknowledged, promised }: Before): Promise<void> {
  const current = openCheckpoint(log.checkpoint, signer);
  if (promised !== undefined) {
    const proof = await log.consistency(promised.size);
    if (!provesConsistency(proof, { old: promised, current }))
      throw new Error(`The log of ${current.size} entries does not begin with what was signed.`);
  }
  const last = [...acknowledged].at(-1);
  if (last === undefined) return;
  const [index, text] = last;
  const claim = { leaf: leafHash(Buffer.from(text)), index, ...current };
  if (!provesInclusion(await log.inclusion(index), claim)) throw new Error(`Entry ${index} is not proven.`);
}
