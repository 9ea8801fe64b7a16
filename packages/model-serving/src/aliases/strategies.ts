/** The strategies: in which order the candidates of an alias are asked. */
import type { AliasStrategy, ModelInfo } from '@mcp/contracts';
import type { Route } from '../route.ts';
import type { Demands } from './demands.ts';

/** A candidate that passed the filters, with its servers that did. */
export interface Option {
  readonly model: string;
  readonly weight: number;
  /** At least one. */
  readonly routes: readonly Route[];
}

interface Choosing {
  readonly demands: Pick<Demands, 'input_tokens' | 'output_tokens'>;
  readonly streamed: boolean;
  readonly now_ms: number;
  readonly random: () => number;
}

/** All options, the one to be asked first in front; those whose servers fail or refuse just now come last. */
export function inOrder(
  options: readonly Option[],
  strategy: AliasStrategy,
  choosing: Choosing,
): readonly Option[] {
  if (options.length < 2) return options;
  const ordered = ordering(options, strategy, choosing);
  // A stable sort: it keeps the strategy's order within each half.
  return ordered.toSorted((a, b) => Number(isPoor(a)) - Number(isPoor(b)));
}

function ordering(
  options: readonly Option[],
  strategy: AliasStrategy,
  choosing: Choosing,
): readonly Option[] {
  switch (strategy) {
    case 'order':
      return options;
    case 'weighted':
      return byWeight(options, choosing.random);
    case 'latency':
      return byLatency(options, choosing);
    case 'cost':
      return byFigure(options, choosing.random, (info) => priceOf(info, choosing.demands));
    case 'energy':
      return byFigure(options, choosing.random, ({ energy }) => energy?.j_per_token);
    default:
      return strategy satisfies never;
  }
}

function isPoor({ routes }: Option): boolean {
  return routes.every((route) => route.wait_ms > 0 || route.shunned || route.info.status !== 'ready');
}

/**
 * A sample without replacement in which each weight is the chance to be the next (Efraimidis and Spirakis 2006: the
 * largest keys u^(1/w) first).
 */
function byWeight(options: readonly Option[], random: () => number): readonly Option[] {
  return options
    .map((option) => ({ option, key: Math.log(1 - random()) / option.weight }))
    .sort((a, b) => b.key - a.key)
    .map(({ option }) => option);
}

/** Power of two choices over what each is expected to take; behind the chosen one all others, the fastest first. */
function byLatency(options: readonly Option[], { streamed, now_ms, random }: Choosing): readonly Option[] {
  const priced = options.map((option) => ({ option, cost: expected(option, { streamed, now_ms }) }));
  const usable = priced.filter(({ option }) => !isPoor(option));
  const pool = usable.length > 0 ? usable : priced;
  const one = pool[Math.floor(random() * pool.length)];
  const others = pool.filter((entry) => entry !== one);
  const two = others[Math.floor(random() * others.length)];
  const first = two !== undefined && one !== undefined && two.cost < one.cost ? two : one;
  const rest = priced.filter((entry) => entry !== first).sort((a, b) => a.cost - b.cost);
  return [...(first === undefined ? [] : [first]), ...rest].map(({ option }) => option);
}

function expected({ routes }: Option, { streamed, now_ms }: Pick<Choosing, 'streamed' | 'now_ms'>): number {
  const open = routes.filter(({ wait_ms }) => wait_ms === 0);
  return Math.min(...(open.length > 0 ? open : routes).map((route) => route.expected(streamed, now_ms)));
}

/** The smallest figure first, unknown ones last, equal ones in random order. */
function byFigure(
  options: readonly Option[],
  random: () => number,
  figureOf: (info: ModelInfo) => number | undefined,
): readonly Option[] {
  const least = ({ routes }: Option) =>
    Math.min(...routes.map(({ info }) => figureOf(info) ?? Number.POSITIVE_INFINITY));
  return options
    .map((option) => ({ option, figure: least(option), tie: random() }))
    .sort((a, b) => (a.figure === b.figure ? a.tie - b.tie : a.figure < b.figure ? -1 : 1))
    .map(({ option }) => option);
}

/** What the request is expected to cost, in millionths of a dollar; undefined where a price is not known. */
function priceOf(info: ModelInfo, demands: Choosing['demands']): number | undefined {
  const { cost_input_per_mtok_usd: input, cost_output_per_mtok_usd: output } = info;
  return input === null || output === null
    ? undefined
    : demands.input_tokens * input + demands.output_tokens * output;
}
