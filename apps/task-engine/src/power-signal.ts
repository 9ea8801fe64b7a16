/** What the grid's carbon or price is now, as a server tells it that the operator names. */
import { jsonOf, PlatformError, type PowerSignal as Terms } from '@mcp/contracts';
import { KeptValue, textAtMost } from '@mcp/service-kit';
import { z } from 'zod';
import type { TaskEngineKit } from './kit.ts';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024;

const Figure = z.number().finite();
/** One period of the Carbon Intensity API of Great Britain: what was measured, or what is forecast until that is known. */
const Period = z.object({
  intensity: z.object({ actual: Figure.nullish(), forecast: Figure.nullish() }),
});

/** The shapes that are read: a figure of one's own, Electricity Maps, Carbon Intensity (GB), the Carbon Aware SDK. */
const Answer = z.union([
  z.object({ intensity: Figure }).transform(({ intensity }) => intensity),
  z.object({ carbonIntensity: Figure }).transform(({ carbonIntensity }) => carbonIntensity),
  z
    .object({ data: z.tuple([Period]).rest(z.unknown()) })
    .transform(({ data: [{ intensity }] }) => intensity.actual ?? intensity.forecast)
    .pipe(Figure),
  z
    .array(z.object({ rating: Figure }))
    .min(1)
    .transform((rows) => rows.at(-1)?.rating)
    .pipe(Figure),
]);

/** Asked only while there are jobs that it may hold, at most every `every_s`; a failure is tried again after as long. */
export class PowerSignal {
  readonly #kit: Pick<TaskEngineKit, 'log' | 'metrics'>;
  readonly #terms: Terms;
  readonly #kept: KeptValue<{ readonly figure: number; readonly read_ms: number }>;
  #said = false;

  constructor(kit: Pick<TaskEngineKit, 'log' | 'metrics'>, terms: Terms) {
    this.#kit = kit;
    this.#terms = terms;
    this.#kept = new KeptValue({
      ttl_ms: terms.every_s * 1000,
      read: () => this.#read(),
      failure: (cause) => new PlatformError('unavailable', 'The power signal is not known.', { cause }),
    });
  }

  /** The figure as it was last read; undefined where that never was, or was too long ago. */
  async now(): Promise<number | undefined> {
    const kept = await this.#kept.fresh().catch(() => undefined);
    const isStale = kept === undefined || performance.now() - kept.read_ms > this.#terms.stale_s * 1000;
    const figure = isStale ? undefined : kept.figure;
    this.#kit.metrics.replace('job_power_signal', figure === undefined ? [] : [[{}, figure]]);
    return figure;
  }

  async #read(): Promise<{ figure: number; read_ms: number }> {
    try {
      const figure = await figureAt(this.#terms.url);
      this.#said = false;
      return { figure, read_ms: performance.now() };
    } catch (err) {
      if (!this.#said)
        this.#kit.log.warn(
          { err },
          'the power signal cannot be read: the declared hours hold once it is stale',
        );
      this.#said = true;
      throw err;
    }
  }
}

async function figureAt(url: string): Promise<number> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    // An operator allows one address, not where it leads on to.
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the power signal answered ${response.status}`);
  }
  const text = await textAtMost(response, MAX_BYTES);
  if (text === undefined) throw new Error(`the power signal is longer than ${MAX_BYTES} bytes`);
  return Answer.parse(jsonOf(text));
}
