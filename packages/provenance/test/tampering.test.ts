import { describe, expect, it } from 'vitest';
import { KINDS } from './tampering/outcome.ts';
import { falseAlarms, tamperings } from './tampering/run.ts';

const SEED = Number(process.env.SEED ?? 20261129);
const COUNT = Number(process.env.RUNS ?? 450);

describe(`tamperings of seed ${SEED}`, () => {
  it('are found, every one, and the wrong record is named', async () => {
    const missed: string[] = [];
    const seen = new Set<string>();
    for await (const { target, kind, found, named, said } of tamperings(SEED, COUNT)) {
      seen.add(kind);
      if (!found || named === false) missed.push(`${kind} of a ${target}: ${said}`);
    }
    expect(missed).toEqual([]);
    expect([...seen].sort()).toEqual([...KINDS].sort());
  });

  it('are not seen where there are none', async () => {
    expect(await falseAlarms(SEED, 60)).toBe(0);
  });
});
