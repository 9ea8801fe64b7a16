/** The figures of all replicas together: what each used goes to the event bus, and what they know together comes back. */
import type { ModelInfo } from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';
import type { ServingKit } from '../serving.ts';
import type { EnergyMeter } from './meter.ts';
import { changed, type EnergyBucket, energyBucket, modelsIn, withSpent } from './record.ts';

const EVERY_MS = 30_000;
/** How long the last report may take when the process ends. */
const LAST_MS = 1000;

export interface SharedEnergyOptions {
  readonly kit: Pick<ServingKit, 'log'>;
  readonly bus: () => Promise<Bus>;
}

/** While the bus is away the figures stay as they were known, and what was used is told later. */
export class SharedEnergy {
  readonly #options: SharedEnergyOptions;
  readonly #figures = new Map<string, number>();
  #meter: EnergyMeter | undefined;
  #timer: NodeJS.Timeout | undefined;
  #bucket: EnergyBucket | undefined;
  #syncing: Promise<void> | undefined;
  #said = false;

  constructor(options: SharedEnergyOptions) {
    this.#options = options;
  }

  /** Begins to share what a meter measures. */
  follow(meter: EnergyMeter): void {
    this.#meter = meter;
    this.#timer = setInterval(() => void this.sync(), EVERY_MS);
    this.#timer.unref();
    void this.sync();
  }

  /** Joules per token as all replicas know it; undefined while they do not. */
  of(model: string): ModelInfo['energy'] {
    const j_per_token = this.#figures.get(model);
    return j_per_token === undefined ? undefined : { j_per_token, source: 'measured' };
  }

  /** Tells and asks once; who calls while that is under way waits for it. Does not throw. */
  sync(): Promise<void> {
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const timer = Promise.withResolvers<void>();
    const late = setTimeout(timer.resolve, LAST_MS);
    await Promise.race([this.sync(), timer.promise]);
    clearTimeout(late);
  }

  async #sync(): Promise<void> {
    const meter = this.#meter;
    if (meter === undefined) return;
    try {
      this.#bucket ??= await energyBucket(await this.#options.bus());
      const untold = new Map(meter.untold().map(({ model, ...spent }) => [model, spent]));
      const models = new Set(untold.keys());
      for await (const model of modelsIn(this.#bucket)) models.add(model);
      for (const model of models) {
        const spent = untold.get(model) ?? { joules: 0, tokens: 0 };
        const { j_per_token } = await changed(this.#bucket, model, (record) =>
          spent.tokens > 0 || spent.joules > 0 ? withSpent(record, spent, Date.now()) : record,
        );
        meter.tell(model, spent);
        if (j_per_token !== null) this.#figures.set(model, j_per_token);
      }
      this.#said = false;
    } catch (err) {
      if (!this.#said) this.#options.kit.log.warn({ err }, 'the joules of models cannot be shared just now');
      this.#said = true;
    }
  }
}
