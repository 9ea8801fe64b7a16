import type { ModelInfo } from '@mcp/contracts';
import type { CpuJoules, GpuPower } from './sources.ts';

/** Tokens that a model must have had before its joules are told. */
const ENOUGH_TOKENS = 500;
const DAY_MS = 24 * 60 * 60_000;
/** Weight of the newest day in the moving average. */
const EMA = 0.3;
/** Sources are read no more often. */
const READ_MS = 1000;
const MAX_MODELS = 256;

export interface MeterOptions {
  readonly cpu: CpuJoules;
  readonly gpu: Pick<GpuPower, 'watts' | 'look'>;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/** What one model used since its figure was last brought up to date. */
interface Use {
  /** On whose processors it works: those of this process, or the graphics cards of the machine. */
  readonly on: 'cpu' | 'gpu';
  running: number;
  /** Seconds of inferences since the sources were last read. */
  work_s: number;
  joules: number;
  tokens: number;
  j_per_token: number | undefined;
  updated_ms: number;
}

/**
 * Joules a token of the platform's own models: what the process took of the processors while embedded models worked, and
 * what the machine's graphics cards took while models of its servers did, shared out by how long each worked. The first
 * figure of a model is told after 500 tokens; then it is brought up to date once a day, as a moving average over days.
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
    const j_per_token = this.#uses.get(model)?.j_per_token;
    return j_per_token === undefined ? undefined : { j_per_token, source: 'measured' };
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
      this.#update(use);
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
      j_per_token: undefined,
      updated_ms: this.#options.now(),
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

  #update(use: Use): void {
    if (use.tokens < ENOUGH_TOKENS || use.joules <= 0) return;
    if (use.j_per_token !== undefined && this.#at_ms - use.updated_ms < DAY_MS) return;
    const newest = use.joules / use.tokens;
    use.j_per_token =
      use.j_per_token === undefined ? newest : use.j_per_token + EMA * (newest - use.j_per_token);
    use.joules = 0;
    use.tokens = 0;
    use.updated_ms = this.#at_ms;
  }
}
