import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { appendBeside } from './appends.ts';
import { countCrashes } from './crashes.ts';
import { killUnderLoad } from './kills.ts';
import { growLog } from './memory.ts';
import { verifyByOthers } from './others.ts';
import { anchorAtRekor } from './rekor.ts';
import { countTamperings } from './tamperings.ts';

/**
 * What the transparency log withstands, in parts that are run one by one:
 * `node bench/provenance/run.ts --part tamperings|crashes|kills|appends|memory|others|rekor [--count 100000] [--out bench/provenance/result.json]`
 */
const PARTS = {
  tamperings: countTamperings,
  crashes: countCrashes,
  kills: killUnderLoad,
  appends: appendBeside,
  memory: growLog,
  others: verifyByOthers,
  rekor: anchorAtRekor,
} as const;
const COUNTS = {
  tamperings: 100_000,
  crashes: 10_000,
  kills: 200,
  appends: 20_000,
  memory: 1_000_000,
  others: 5000,
  rekor: 20,
} as const;

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'tamperings' },
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const part = values.part as keyof typeof PARTS;
if (!Object.hasOwn(PARTS, part))
  throw new Error(`There is no part ${values.part}: ${Object.keys(PARTS).join(', ')}.`);
const began_ms = performance.now();
const figures = await PARTS[part]({ seed: Number(values.seed), count: Number(values.count ?? COUNTS[part]) });
const result = {
  ...figures,
  seed: Number(values.seed),
  seconds: Math.round((performance.now() - began_ms) / 1000),
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  load: Number((loadavg()[1] ?? 0).toFixed(1)),
  node: process.version,
};
const text = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
process.stdout.write(text({ [part]: result }));
if (values.out !== undefined) {
  const before = existsSync(values.out) ? JSON.parse(readFileSync(values.out, 'utf8')) : {};
  writeFileSync(values.out, text({ ...before, [part]: result }));
}
