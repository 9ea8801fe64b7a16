/** Durable appends a second, beside transparency-dev/tessera on the same disk: rounds in turn, each with a fresh log of both. */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { folderDisk, signerOf, TransparencyLog } from '../../packages/provenance/src/tlog/index.ts';
import { bootstrapMedian, median, quantile } from '../stats.ts';
import type { Task } from './tamperings.ts';

export const CALLERS = 64;
/** As the service does: a checkpoint so long after the first entry that none is over. */
export const PUBLISH_MS = 40;
/** Rounds of both, in turn. */
const ROUNDS = Number(process.env.ROUNDS ?? 7);

interface Round {
  readonly per_second: number;
  readonly append_p99_ms: number;
  readonly signed_p99_ms: number;
}

/** Entries of the same bytes as those of the program in Go. */
export function entryOf(n: number): Buffer {
  return Buffer.from(
    `entry ${n} of this log, as long as a hash and what is around it: ${String(n).padStart(64, '0')}`,
  );
}

async function ours(folder: string, count: number): Promise<Round> {
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
    name: 'log.example/ours',
    algorithm: 'ed25519',
  });
  const log = await TransparencyLog.open({ disk: folderDisk(folder), signer });
  const durable: number[] = [];
  const signed: number[] = [];
  let waiting: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  const publish = async () => {
    timer = undefined;
    const covered = waiting;
    waiting = [];
    await log.publish();
    const now = performance.now();
    signed.push(...covered.map((since) => now - since));
  };
  let next = 0;
  const began = performance.now();
  const caller = async () => {
    for (let n = ++next; n <= count; n = ++next) {
      const since = performance.now();
      await log.append(entryOf(n));
      durable.push(performance.now() - since);
      waiting.push(since);
      timer ??= setTimeout(() => void publish(), PUBLISH_MS);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const seconds = (performance.now() - began) / 1000;
  clearTimeout(timer);
  await publish();
  await log.close();
  return {
    per_second: count / seconds,
    append_p99_ms: quantile(durable, 0.99),
    signed_p99_ms: quantile(signed, 0.99),
  };
}

function tessera(binary: string, folder: string, count: number): Round {
  const given = ['-folder', folder, '-count', String(count), '-callers', String(CALLERS)];
  const { stdout, stderr, status } = spawnSync(binary, given, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tessera failed: ${stderr.slice(-500)}`);
  return JSON.parse(stdout) as Round;
}

export async function appendBeside({ count }: Task) {
  // Not below a folder for temporary files, which may be memory.
  const data = join(import.meta.dirname, 'data');
  mkdirSync(data, { recursive: true });
  const folder = mkdtempSync(join(data, 'appends-'));
  try {
    const binary = join(folder, 'tessera');
    const built = spawnSync('go', ['build', '-o', binary, './tessera'], { cwd: import.meta.dirname });
    if (built.status !== 0) throw new Error(`tessera does not build: ${built.stderr}`);
    const rounds: { readonly ours: Round; readonly tessera: Round }[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      const [one, other] = [join(folder, `ours-${n}`), join(folder, `tessera-${n}`)];
      // Who is first changes from round to round.
      const theirs = n % 2 === 0 ? tessera(binary, other, count) : undefined;
      const own = await ours(one, count);
      rounds.push({ ours: own, tessera: theirs ?? tessera(binary, other, count) });
    }
    const of = (who: 'ours' | 'tessera') => ({
      per_second: median(rounds.map((round) => round[who].per_second)),
      append_p99_ms: median(rounds.map((round) => round[who].append_p99_ms)),
      signed_p99_ms: median(rounds.map((round) => round[who].signed_p99_ms)),
    });
    return {
      entries: count,
      callers: CALLERS,
      rounds: ROUNDS,
      tessera_version: 'v1.0.4, POSIX, checkpoint interval 100 ms, batches of 64 or 5 ms',
      ours: of('ours'),
      tessera: of('tessera'),
      times_tessera: bootstrapMedian(rounds.map((round) => round.ours.per_second / round.tessera.per_second)),
      rss_mib: Math.round(process.memoryUsage().rss / 2 ** 20),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
