/** Tamperings that are found and named, and verifications that find nothing where nothing was done. */
import { falseAlarms, tamperings } from '../../packages/provenance/test/tampering/run.ts';

/** Clean verifications to so many tamperings. */
const CLEAN_SHARE = 0.1;

export interface Task {
  readonly seed: number;
  readonly count: number;
}

interface Tally {
  tried: number;
  found: number;
  /** Those with a record or entry that is wrong, and of them those whose verdict names it. */
  nameable: number;
  named: number;
}

export async function countTamperings({ seed, count }: Task) {
  const by: Record<string, Tally> = {};
  const missed: string[] = [];
  for await (const { target, kind, found, named, said } of tamperings(seed, count)) {
    by[`${kind}, ${target}`] ??= { tried: 0, found: 0, nameable: 0, named: 0 };
    const tally = by[`${kind}, ${target}`] as Tally;
    tally.tried++;
    if (found) tally.found++;
    if (named !== undefined) tally.nameable++;
    if (named === true) tally.named++;
    if ((!found || named === false) && missed.length < 20) missed.push(`${kind}, ${target}: ${said}`);
  }
  const sum = (field: keyof Tally) => Object.values(by).reduce((all, tally) => all + tally[field], 0);
  const clean = Math.round(count * CLEAN_SHARE);
  return {
    tamperings: sum('tried'),
    found: sum('found'),
    with_a_wrong_record: sum('nameable'),
    named: sum('named'),
    missed,
    clean_verifications: clean,
    false_alarms: await falseAlarms(seed, clean),
    by,
  };
}
