/** Kill points of a log on a simulated disk: writes that are torn, syncs that are lost, a disk that is full. */
import { crashAndRecover } from '../../packages/provenance/test/tlog/crashes.ts';
import { mulberry32 } from '../stats.ts';
import type { Task } from './tamperings.ts';

export async function countCrashes({ seed, count }: Task) {
  const random = mulberry32(seed);
  const below = (most: number) => Math.floor(random() * most);
  const faults: string[] = [];
  let kills = 0;
  let acknowledged = 0;
  while (kills < count) {
    const given = Array.from({ length: 1 + below(3) }, () => 1 + below(60));
    const plan = {
      seed: below(2 ** 31),
      kills: given,
      burst: 1 + below(400),
      full: random() < 0.5,
      lost: random() < 0.5,
    };
    try {
      acknowledged += await crashAndRecover(plan);
    } catch (error) {
      faults.push(`${JSON.stringify(plan)}: ${String(error).slice(0, 300)}`);
      if (faults.length > 20) break;
    }
    kills += given.length;
  }
  return { kill_points: kills, acknowledged_entries: acknowledged, faults };
}
