import type { Bus } from '@mcp/service-kit';
import { changed, energyBucket, modelsIn, upToDate } from './record.ts';

/** What became of the figure of a model on one day. */
export interface EnergyFigure {
  readonly model: string;
  readonly j_per_token: number | null;
  /** False where it was brought up to date today already, or too few tokens came since. */
  readonly changed: boolean;
}

/**
 * Brings the figure of every model up to date with what its replicas used since the day before. A run that is broken off
 * loses nothing: the next one leaves the figures that are of today, and goes on with the others.
 */
export async function* bringEnergyUpToDate(bus: Bus, now_ms: number): AsyncGenerator<EnergyFigure> {
  const bucket = await energyBucket(bus);
  for await (const model of modelsIn(bucket)) {
    let isChanged = false;
    const { j_per_token } = await changed(bucket, model, (record) => {
      const after = upToDate(record, now_ms);
      isChanged = after !== record;
      return after;
    });
    yield { model, j_per_token, changed: isChanged };
  }
}
