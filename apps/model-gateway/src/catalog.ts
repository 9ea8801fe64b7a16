import { type ModelBackend, type ModelInfo, PlatformError } from '@mcp/contracts';

/** How long a list of models is taken as it is; after that it is read again beside the request that asks. */
const FRESH_MS = 1000;

export interface Entry {
  readonly info: ModelInfo;
  readonly backend: ModelBackend;
}

/** Which backend serves which model. Of two with the same id, the backend named first wins. */
export class Catalog {
  readonly #backends: readonly ModelBackend[];
  #entries: ReadonlyMap<string, Entry> = new Map();
  #read_ms = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(backends: readonly ModelBackend[]) {
    this.#backends = backends;
  }

  /** The entry of a model of a kind. Throws `model_not_found` with what there is. */
  async find(id: string, kind: ModelInfo['kind']): Promise<Entry> {
    let entry = this.#entries.get(id);
    if (entry === undefined) await this.#read();
    else if (performance.now() - this.#read_ms > FRESH_MS) void this.#read();
    entry = this.#entries.get(id);
    if (entry === undefined)
      throw new PlatformError(
        'model_not_found',
        `There is no model '${id.slice(0, 80)}'. GET /v1/models lists: ${this.#names(kind)}.`,
        { param: 'model' },
      );
    if (entry.info.kind !== kind)
      throw new PlatformError(
        'invalid_request',
        `The model '${id}' is for ${entry.info.kind}, not for ${kind}. Choose one of: ${this.#names(kind)}.`,
        { param: 'model' },
      );
    return entry;
  }

  async all(): Promise<readonly ModelInfo[]> {
    await this.#read();
    return [...this.#entries.values()].map(({ info }) => info);
  }

  #names(kind: ModelInfo['kind']): string {
    const names = [...this.#entries.values()]
      .filter(({ info }) => info.kind === kind)
      .map(({ info }) => info.id);
    return names.length === 0
      ? `no ${kind} model yet`
      : `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#load().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #load(): Promise<void> {
    const signal = AbortSignal.timeout(10_000);
    const lists = await Promise.all(
      this.#backends.map(async (backend) => ({
        backend,
        models: await backend.models(signal).catch(() => []),
      })),
    );
    const entries = new Map<string, Entry>();
    for (const { backend, models } of lists)
      for (const info of models) if (!entries.has(info.id)) entries.set(info.id, { info, backend });
    this.#entries = entries;
    this.#read_ms = performance.now();
  }
}
