/** What all replicas know together of a model's energy: one record a model in a bucket of the event bus. */
import { jsonOf } from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';
import { z } from 'zod';

export type EnergyBucket = Awaited<ReturnType<Bus['bucket']>>;

/** Tokens that a figure is made of at least. */
export const ENOUGH_TOKENS = 500;
/** Weight of the newest day in the moving average. */
const EMA = 0.3;
/** A figure younger than this is of today: a job that runs again leaves it as it is. */
const DAY_MS = 20 * 60 * 60_000;
const BUCKET = 'mcp_model_energy';
const MAX_BUCKET_BYTES = 1_000_000;
/** A model that nobody used for so long is forgotten. */
const KEEP_MS = 90 * 24 * 60 * 60_000;
/** Replicas that write the same record at the same moment: each tries so often. */
const ATTEMPTS = 8;

/** What was used since the figure was last brought up to date, and the figure. */
const EnergyRecord = z.object({
  model: z.string(),
  joules: z.number().nonnegative(),
  tokens: z.number().nonnegative(),
  j_per_token: z.number().nonnegative().nullable(),
  updated_ms: z.number().nonnegative(),
});
export type EnergyRecord = z.infer<typeof EnergyRecord>;

export type Spent = Pick<EnergyRecord, 'joules' | 'tokens'>;

export function energyBucket(bus: Bus): Promise<EnergyBucket> {
  return bus.bucket(BUCKET, { history: 1, storage: 'file', max_bytes: MAX_BUCKET_BYTES, ttl: KEEP_MS });
}

function emptyRecord(model: string): EnergyRecord {
  return { model, joules: 0, tokens: 0, j_per_token: null, updated_ms: 0 };
}

/** With what one replica used since it last said so; the first figure is told as soon as there is enough for one. */
export function withSpent(record: EnergyRecord, { joules, tokens }: Spent, now_ms: number): EnergyRecord {
  const sum = { ...record, joules: record.joules + joules, tokens: record.tokens + tokens };
  return sum.j_per_token === null ? upToDate(sum, now_ms) : sum;
}

/** The moving average with what came since the day before; the record itself where it is too soon, or too little came. */
export function upToDate(record: EnergyRecord, now_ms: number): EnergyRecord {
  const { joules, tokens, j_per_token: before } = record;
  if (tokens < ENOUGH_TOKENS || joules <= 0) return record;
  if (before !== null && now_ms - record.updated_ms < DAY_MS) return record;
  const newest = joules / tokens;
  const j_per_token = before === null ? newest : before + EMA * (newest - before);
  return { ...record, joules: 0, tokens: 0, j_per_token, updated_ms: now_ms };
}

/** The models that there are records of. */
export async function* modelsIn(kv: EnergyBucket): AsyncGenerator<string> {
  for await (const key of await kv.keys()) yield Buffer.from(key, 'base64url').toString();
}

/** Changes the record of a model, again where another replica was faster; what stands afterwards. */
export async function changed(
  kv: EnergyBucket,
  model: string,
  change: (record: EnergyRecord) => EnergyRecord,
): Promise<EnergyRecord> {
  const key = Buffer.from(model).toString('base64url');
  for (let attempt = 1; ; attempt++) {
    const entry = await kv.get(key);
    const there =
      entry?.operation === 'PUT' ? EnergyRecord.safeParse(jsonOf(entry.string())).data : undefined;
    const before = there ?? emptyRecord(model);
    const after = change(before);
    if (after === before) return before;
    try {
      const text = JSON.stringify(after);
      await (entry === null ? kv.create(key, text) : kv.update(key, text, entry.revision));
      return after;
    } catch (error) {
      if (attempt >= ATTEMPTS) throw error;
    }
  }
}
