import { type ModelBackend, type ModelInfo, PlatformError } from '@mcp/contracts';
import type { Logger } from '@mcp/service-kit';
import type { Pools } from './pools.ts';
import { reasonOf } from './queue.ts';
import { Route, type RouteParts } from './route.ts';

/** How long a list of models is taken as it is; after that it is read again beside the request that asks. */
const FRESH_MS = 1000;
const LIST_TIMEOUT_MS = 10_000;

/** A model, wherever it is served. */
export interface Offer {
  readonly id: string;
  /** At least one. The same array as long as the list of models stays the same. */
  readonly routes: readonly Route[];
}

/** What a model is looked up for, and until when. */
export interface Wanted {
  readonly kind?: ModelInfo['kind'];
  readonly signal: AbortSignal;
}

export interface CatalogOptions {
  /** In order of preference; those of one kind are equals. */
  readonly backends: readonly ModelBackend[];
  /** Most inferences at once, by model id, where it is not the backend that knows. */
  readonly concurrency: Readonly<Record<string, number>>;
  readonly log: Pick<Logger, 'warn'>;
  /** Names that stand for models, to be told where one is not found. */
  readonly aliases?: readonly string[];
  readonly onCircuit?: RouteParts['onCircuit'];
  /** What was measured of a model's energy. */
  readonly energyOf?: (model: string) => ModelInfo['energy'];
  /** The pools of the models' servers. */
  readonly pools?: Pools;
}

/** One backend and what it was last known to serve. */
interface Source {
  readonly backend: ModelBackend;
  readonly tier: number;
  routes: ReadonlyMap<string, Route>;
  /** Why it could not be read, as long as it never could. */
  failure: PlatformError | undefined;
}

/** Which backends serve which model. A list that cannot be read stays as it was known. */
export class Catalog {
  readonly #sources: readonly Source[];
  readonly #options: CatalogOptions;
  #offers: ReadonlyMap<string, Offer> = new Map();
  #read_ms = Number.NEGATIVE_INFINITY;
  #reading: readonly Promise<void>[] | undefined;

  constructor(options: CatalogOptions) {
    this.#options = options;
    const kinds = [...new Set(options.backends.map(({ name }) => name))];
    this.#sources = options.backends.map((backend) => ({
      backend,
      tier: kinds.indexOf(backend.name),
      routes: new Map(),
      failure: undefined,
    }));
  }

  /**
   * The model of an id and a kind. Throws `model_not_found` with what there is, and `unavailable` while a server
   * that may have it has never told its models.
   */
  async find(id: string, { kind, signal }: Wanted): Promise<Offer> {
    const known = this.#offers.get(id);
    if (known === undefined) await this.#until(id, signal);
    else if (performance.now() - this.#read_ms > FRESH_MS) this.#read();
    const offer = known ?? this.#offers.get(id);
    if (offer === undefined) throw this.#unknown(id, kind);
    const [first] = offer.routes;
    if (kind !== undefined && first?.info.kind !== kind)
      throw new PlatformError(
        'invalid_request',
        `The model '${id}' is for ${first?.info.kind}, not for ${kind}. Choose one of: ${this.#names(kind)}.`,
        { param: 'model' },
      );
    return offer;
  }

  /** What is known of a model just now; a list that is no longer fresh is read again beside. */
  known(id: string): Offer | undefined {
    if (performance.now() - this.#read_ms > FRESH_MS) this.#read();
    return this.#offers.get(id);
  }

  /**
   * The model once every list that is being read has come: what {@link find} gave may lack a slow server. Whoever
   * leaves meanwhile has what is known by then.
   */
  async whole(id: string, signal: AbortSignal): Promise<Offer | undefined> {
    if (this.#reading !== undefined && !signal.aborted) {
      const left = Promise.withResolvers<void>();
      const leave = () => left.resolve();
      signal.addEventListener('abort', leave, { once: true });
      await Promise.race([left.promise, Promise.all(this.#reading)]);
      signal.removeEventListener('abort', leave);
    }
    return this.#offers.get(id);
  }

  /** One model of any kind, as {@link find} finds it. */
  async one(id: string, signal: AbortSignal): Promise<ModelInfo> {
    return describe(await this.find(id, { signal }));
  }

  /** What is known just now of every model, once for each of its servers. */
  infos(): readonly ModelInfo[] {
    return [...this.#offers].flatMap(([id, offer]) =>
      id === offer.id ? offer.routes.map(({ info }) => info) : [],
    );
  }

  /** Every model once, as the first of its servers that is ready describes it. */
  async all(): Promise<readonly ModelInfo[]> {
    await Promise.all(this.#read());
    const listed = [...this.#offers].filter(([id, offer]) => id === offer.id);
    return listed.map(([, offer]) => describe(offer));
  }

  #unknown(id: string, kind: ModelInfo['kind'] | undefined): PlatformError {
    const silent = this.#sources.find(({ failure }) => failure !== undefined)?.failure;
    if (silent !== undefined)
      return new PlatformError(
        'unavailable',
        `The model '${id.slice(0, 80)}' cannot be looked up: ${silent.message}`,
        { param: 'model', retry_after_ms: silent.retry_after_ms ?? 1000, cause: silent.cause },
      );
    return new PlatformError(
      'model_not_found',
      `There is no model '${id.slice(0, 80)}'. GET /v1/models lists: ${this.#names(kind)}.`,
      { param: 'model' },
    );
  }

  #names(kind: ModelInfo['kind'] | undefined): string {
    const names = [...this.#offers]
      .filter(([id, offer]) => id === offer.id && (kind ?? describe(offer).kind) === describe(offer).kind)
      .map(([id]) => id);
    if (kind !== 'embedding') names.push(...(this.#options.aliases ?? []));
    return names.length === 0
      ? `no ${kind ?? ''} model yet`
      : `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
  }

  /** Reads the lists until one of them has the model: a slow server keeps nobody from the others. */
  async #until(id: string, signal: AbortSignal): Promise<void> {
    const reading = new Set(this.#read().map((work) => ({ work })));
    const left = Promise.withResolvers<undefined>();
    const leave = () => left.resolve(undefined);
    signal.addEventListener('abort', leave, { once: true });
    try {
      while (reading.size > 0 && !this.#offers.has(id) && !signal.aborted) {
        const come = await Promise.race([
          left.promise,
          ...[...reading].map((one) => one.work.then(() => one)),
        ]);
        if (come !== undefined) reading.delete(come);
      }
    } finally {
      signal.removeEventListener('abort', leave);
    }
    if (signal.aborted && !this.#offers.has(id)) throw reasonOf(signal);
  }

  /** The reading that is under way, or a new one. */
  #read(): readonly Promise<void>[] {
    if (this.#reading !== undefined) return this.#reading;
    const reading = this.#sources.map((source) => this.#readOne(source));
    this.#reading = reading;
    void Promise.all(reading).then(() => {
      this.#reading = undefined;
      this.#read_ms = performance.now();
    });
    return reading;
  }

  async #readOne(source: Source): Promise<void> {
    const { backend, tier } = source;
    try {
      const models = await backend.models(AbortSignal.timeout(LIST_TIMEOUT_MS));
      const before = source.routes;
      source.routes = new Map(
        models.map((info) => [info.id, this.#route(before.get(info.id), source, info)]),
      );
      source.failure = undefined;
      if (!sameKeys(before, source.routes)) this.#offers = offersOf(this.#sources);
    } catch (thrown) {
      if (source.routes.size > 0) return;
      if (source.failure === undefined)
        this.#options.log.warn(
          { err: thrown, backend: backend.name, tier },
          'a list of models cannot be read',
        );
      // A list that took too long was cancelled by us, not by whoever asks for a model.
      source.failure =
        thrown instanceof PlatformError && thrown.code !== 'cancelled'
          ? thrown
          : new PlatformError('unavailable', `${backend.target ?? backend.name} does not tell its models.`, {
              cause: thrown,
            });
    }
  }

  /** What was measured counts before what was declared. */
  #measured(info: ModelInfo): ModelInfo {
    const energy = info.own === true ? this.#options.energyOf?.(info.id) : undefined;
    return energy === undefined ? info : { ...info, energy };
  }

  #route(known: Route | undefined, { backend, tier }: Source, listed: ModelInfo): Route {
    const info = this.#measured(listed);
    if (known !== undefined) {
      known.info = info;
      return known;
    }
    const max_concurrency = Object.hasOwn(this.#options.concurrency, info.id)
      ? this.#options.concurrency[info.id]
      : undefined;
    const { onCircuit, pools } = this.#options;
    return new Route({
      backend,
      tier,
      pool: pools?.of(info.id, backend.target ?? backend.name),
      ...(onCircuit === undefined ? {} : { onCircuit }),
      info: max_concurrency === undefined ? info : { ...info, max_concurrency },
    });
  }
}

/** By id, and by `<target>/<id>` for one server of several. */
function offersOf(sources: readonly Source[]): ReadonlyMap<string, Offer> {
  const groups = new Map<string, Route[]>();
  for (const { routes } of sources)
    for (const [id, route] of routes) {
      const group = groups.get(id);
      if (group === undefined) groups.set(id, [route]);
      else if (group[0]?.info.kind === route.info.kind) group.push(route);
    }
  const offers = new Map<string, Offer>([...groups].map(([id, routes]) => [id, { id, routes }]));
  for (const { backend, routes } of sources)
    for (const [id, route] of backend.target === undefined ? [] : routes) {
      const pinned = `${backend.target}/${id}`;
      if (!offers.has(pinned)) offers.set(pinned, { id, routes: [route] });
    }
  return offers;
}

function describe({ routes }: Offer): ModelInfo {
  const ready = routes.find(({ info }) => info.status === 'ready') ?? routes[0];
  if (ready === undefined) throw new Error('an offer has at least one route');
  return ready.info;
}

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}
