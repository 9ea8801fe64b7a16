/** Which models a request may be answered by, in which order, and which stand in after what goes wrong. */
import {
  type CallContext,
  type Cascade,
  type ChatCompletionRequest,
  type FallbackCause,
  type ModelAlias,
  PlatformError,
} from '@mcp/contracts';
import type { Catalog } from '../catalog.ts';
import { ResidencyPolicy, type Stay } from '../residency.ts';
import type { Route } from '../route.ts';
import type { ServingConfig } from '../serving.ts';
import { type Demands, demandsOf, type Lack, lackOf, refusal } from './demands.ts';
import { HedgeBudget, Hedging } from './hedging.ts';
import { inOrder, type Option } from './strategies.ts';

export interface Plan {
  /** The model or alias that was asked for. */
  readonly asked: string;
  /** Models in the order in which they are asked; at least one. */
  readonly models: readonly string[];
  /** Models that stand in, by what went wrong with the one before. */
  readonly chains: Readonly<Record<FallbackCause, readonly string[]>>;
  /** Where its text must stay. */
  readonly stay: Stay;
  /** What an alias says beside its models. */
  readonly alias?: PlannedAlias;
}

interface PlannedAlias {
  readonly on_interrupt: ModelAlias['on_interrupt'];
  readonly hedging: Hedging | undefined;
  /** The candidate that is cheapest, and what its answers are judged by. */
  readonly cascade: { readonly model: string; readonly terms: Cascade } | undefined;
  /** The servers that may be asked. */
  allowed(routes: readonly Route[]): readonly Route[];
}

export const NONE: Plan['chains'] = { rate: [], context: [], content: [], error: [] };

/** What of the catalogue a plan is made from. */
type Known = Pick<Catalog, 'known' | 'find'>;

export class Planner {
  readonly #settings: ServingConfig;
  readonly #catalog: Known;
  readonly #hedging: ReadonlyMap<string, Hedging>;
  readonly #residency: ResidencyPolicy;

  constructor(settings: ServingConfig, catalog: Known) {
    this.#settings = settings;
    this.#catalog = catalog;
    this.#residency = new ResidencyPolicy(settings);
    this.#hedging = new Map(
      Object.entries(settings.MODEL_ALIASES).flatMap(([name, { hedge }]) =>
        hedge === undefined ? [] : [[name, new Hedging(hedge, new HedgeBudget())] as const],
      ),
    );
  }

  /** The alias of a name; undefined where it is a model's. */
  aliasOf(name: string): ModelAlias | undefined {
    const { MODEL_ALIASES: aliases } = this.#settings;
    return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  }

  /** A model, then those of MODEL_FALLBACKS. */
  ofModel(model: string, call: CallContext): Plan {
    const { MODEL_FALLBACKS: fallbacks } = this.#settings;
    const chain = Object.hasOwn(fallbacks, model) ? fallbacks[model] : undefined;
    return {
      asked: model,
      models: [model],
      chains: chain === undefined ? NONE : { ...NONE, rate: chain, error: chain },
      stay: this.#residency.of(call),
    };
  }

  /** Where the text of a call must stay that names a model or an alias. */
  stayOf(name: string, call: CallContext): Stay {
    return this.#residency.of(call, this.aliasOf(name));
  }

  /** The plan for a completion. Throws when no model of the alias may be asked, and why. */
  ofRequest(request: ChatCompletionRequest, call: CallContext): Plan | Promise<Plan> {
    const alias = this.aliasOf(request.model);
    return alias === undefined ? this.ofModel(request.model, call) : this.#ofAlias(alias, { request, call });
  }

  async #ofAlias(
    alias: ModelAlias,
    { request, call }: { request: ChatCompletionRequest; call: CallContext },
  ): Promise<Plan> {
    const { model: name } = request;
    const stay = this.#residency.of(call, alias);
    const demands = demandsOf(request, stay, alias);
    const may = (route: Route) => lackOf(route.info, demands) === undefined;
    const allowed = (routes: readonly Route[]) => (routes.every(may) ? routes : routes.filter(may));
    const found = await this.#candidates(alias, call);
    const options = found.flatMap(({ model, weight, routes }) => {
      const open = allowed(routes);
      return open.length === 0 ? [] : [{ model, weight, routes: open }];
    });
    const fitting = options.filter(({ model }) => suits(alias, model, { demands, call }));
    if (fitting.length === 0) throw this.#refusal(name, { found, demands, options });
    const ordered = inOrder(fitting, alias.strategy, {
      demands,
      streamed: request.stream === true,
      now_ms: performance.now(),
      random: Math.random,
    });
    return {
      asked: name,
      models: ordered.map(({ model }) => model),
      chains: alias.fallbacks,
      stay,
      alias: {
        on_interrupt: alias.on_interrupt,
        hedging: this.#hedging.get(name),
        cascade: cascadeOf(alias),
        allowed,
      },
    };
  }

  /** The candidates that are known; only while none is, their servers are waited for. */
  async #candidates({ candidates }: ModelAlias, { signal }: CallContext): Promise<readonly Option[]> {
    const known = () =>
      candidates.flatMap(({ model, weight }) => {
        const offer = this.#catalog.known(model);
        const chat = offer?.routes.filter(({ info }) => info.kind === 'chat') ?? [];
        return chat.length === 0 ? [] : [{ model, weight, routes: offer?.routes ?? [] }];
      });
    const first = known();
    if (first.length > 0) return first;
    const finding = candidates.map(({ model }) => this.#catalog.find(model, { kind: 'chat', signal }));
    const results = await Promise.allSettled(finding);
    const found = known();
    if (found.length > 0) return found;
    const failures = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    throw failures.find((one) => one instanceof PlatformError && one.retryable) ?? failures[0];
  }

  #refusal(
    name: string,
    { found, demands, options }: { found: readonly Option[]; demands: Demands; options: readonly Option[] },
  ): PlatformError {
    if (options.length > 0)
      return new PlatformError(
        'invalid_request',
        `No model of the alias '${name}' takes a request of this class and length (about ${demands.input_tokens} tokens). Name a model: GET /v1/models.`,
        { param: 'model' },
      );
    const lacks = new Set<Lack>();
    for (const { info } of found.flatMap(({ routes }) => routes)) {
      const lack = lackOf(info, demands);
      if (lack !== undefined) lacks.add(lack);
    }
    return refusal(name, lacks, demands);
  }
}

function cascadeOf({ candidates: [first], cascade }: ModelAlias): PlannedAlias['cascade'] {
  return cascade === undefined || first === undefined ? undefined : { model: first.model, terms: cascade };
}

/** What a candidate says of the requests that it is for. */
function suits(
  { candidates }: ModelAlias,
  model: string,
  { demands, call }: { demands: Demands; call: CallContext },
): boolean {
  const one = candidates.find((candidate) => candidate.model === model);
  return (
    (one?.class ?? call.class) === call.class &&
    demands.input_tokens <= (one?.max_input_tokens ?? Number.POSITIVE_INFINITY)
  );
}
