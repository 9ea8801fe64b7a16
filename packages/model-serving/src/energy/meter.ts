import type { ModelInfo } from '@mcp/contracts';
import { ENOUGH_TOKENS, type Spent } from './record.ts';
import type { CpuJoules, GpuPower } from './sources.ts';

/** Sources are read no more often. */
const READ_MS = 1000;
const MAX_MODELS = 256;

export interface MeterOptions {
  readonly cpu: CpuJoules;
  readonly gpu: Pick<GpuPower, 'watts' | 'look'>;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/** What one model used since this process began. */
interface Use {
  /** On whose processors it works: those of this process, or the graphics cards of the machine. */
  readonly on: 'cpu' | 'gpu';
  running: number;
  /** Seconds of inferences since the sources were last read. */
  work_s: number;
  joules: number;
  tokens: number;
  /** Of that, what the other replicas know of. */
  told: Spent;
}

/**
 * Joules a token of the platform's own models: what the process took of the processors while embedded models worked, and
 * what the machine's graphics cards took while models of its servers did, shared out by how long each worked. A model has
 * a figure after 500 tokens: the mean since this process began, which holds until the replicas have one together.
 */
export class EnergyMeter {
  readonly #options: MeterOptions;
  readonly #uses = new Map<string, Use>();
  #running = 0;
  #at_ms: number;
  #read_ms: number;
  #joules: number;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#at_ms = options.now();
    this.#read_ms = this.#at_ms;
    this.#joules = options.cpu();
  }

  /** Joules per token; undefined while too little was seen. */
  of(model: string): ModelInfo['energy'] {
    const use = this.#uses.get(model);
    if (use === undefined || use.tokens < ENOUGH_TOKENS || use.joules <= 0) return undefined;
    return { j_per_token: use.joules / use.tokens, source: 'measured' };
  }

  /** Models that were at work, with what of it the other replicas do not know yet. */
  untold(): (Spent & { readonly model: string })[] {
    return [...this.#uses].map(([model, { joules, tokens, told }]) => ({
      model,
      joules: joules - told.joules,
      tokens: tokens - told.tokens,
    }));
  }

  /** The other replicas know of so much more. */
  tell(model: string, { joules, tokens }: Spent): void {
    const use = this.#uses.get(model);
    if (use !== undefined) use.told = { joules: use.told.joules + joules, tokens: use.told.tokens + tokens };
  }

  /** An inference begins. Returns what is called at its end with the tokens that it took. */
  begin({ id, backend, own }: Pick<ModelInfo, 'id' | 'backend' | 'own'>): (tokens: number) => void {
    const use = own === true ? this.#useOf(id, backend === 'embedded' ? 'cpu' : 'gpu') : undefined;
    if (use === undefined) return () => undefined;
    // What was taken while nobody worked is nobody's.
    if (this.#running === 0) this.#read();
    this.#advance();
    use.running++;
    this.#running++;
    if (use.on === 'gpu') this.#options.gpu.look(this.#at_ms);
    return (tokens) => {
      this.#advance();
      use.running--;
      this.#running--;
      use.tokens += tokens;
      if (this.#running === 0 || this.#at_ms - this.#read_ms >= READ_MS) this.#share();
    };
  }

  #useOf(model: string, on: Use['on']): Use | undefined {
    const known = this.#uses.get(model);
    if (known !== undefined || this.#uses.size >= MAX_MODELS) return known;
    const use: Use = {
      on,
      running: 0,
      work_s: 0,
      joules: 0,
      tokens: 0,
      told: { joules: 0, tokens: 0 },
    };
    this.#uses.set(model, use);
    return use;
  }

  #advance(): void {
    const now_ms = this.#options.now();
    const passed_s = Math.max(0, now_ms - this.#at_ms) / 1000;
    this.#at_ms = now_ms;
    if (this.#running > 0) for (const use of this.#uses.values()) use.work_s += use.running * passed_s;
  }

  /** Joules of the processors since the last reading, and the time since then. */
  #read(): { joules: number; passed_s: number } {
    const now_ms = this.#options.now();
    const total = this.#options.cpu();
    const read = { joules: total - this.#joules, passed_s: (now_ms - this.#read_ms) / 1000 };
    this.#joules = total;
    this.#read_ms = now_ms;
    return read;
  }

  #share(): void {
    const { joules, passed_s } = this.#read();
    const { gpu } = this.#options;
    const spent = { cpu: joules, gpu: (gpu.watts ?? 0) * passed_s };
    const worked = { cpu: 0, gpu: 0 };
    for (const { on, work_s } of this.#uses.values()) worked[on] += work_s;
    for (const use of this.#uses.values()) {
      if (worked[use.on] > 0) use.joules += (spent[use.on] * use.work_s) / worked[use.on];
      use.work_s = 0;
    }
  }
}
