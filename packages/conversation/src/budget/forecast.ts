/** What the next call of a model will take, by what the calls before it took. */
import { type LogRecord, PlatformError } from '@mcp/contracts';
import { boundedRatio, type Calibrated } from './calibrations.ts';

/** How a forecast is made; an operator sets it. */
export interface ForecastSettings {
  /** Calls that it looks back on (n). */
  readonly turns: number;
  /** Weight of the input (α). */
  readonly alpha: number;
  /** Weight of the expected answer (β). */
  readonly beta: number;
  /** Bounds of the margin, as shares of the forecast. */
  readonly margin_min: number;
  readonly margin_max: number;
}

/** What one earlier call of the model took. */
export interface Use {
  /** Its input as it was counted, before any calibration. */
  readonly counted_tokens: number;
  /** What the model reported. */
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** It would have written more. */
  readonly cut: boolean;
  /** What had been forecast for input and output together; undefined where nothing was. */
  readonly forecast_tokens: number | undefined;
}

export interface Forecast {
  /** Calls that it is made from; with none it is what was asked for, and nothing to measure errors by. */
  readonly uses: number;
  /** The count is by the model's own tokenizer. */
  readonly exact: boolean;
  /** Real tokens for each counted one of the context that it was made for, before its weight. */
  readonly ratio: number;
  /** Weight of the input (α). */
  readonly alpha: number;
  /** What the calls before told of the ratio beyond what other conversations do. */
  readonly own_ratio: number;
  /** The context that it was made for, as it was counted. */
  readonly counted_tokens: number;
  /** Share of it that no call has had yet. */
  readonly unseen: number;
  readonly expected_output_tokens: number;
  /** Share that is kept free beyond the forecast. */
  readonly margin: number;
  /** Kept free for the answer. */
  readonly reserve_tokens: number;
}

/** The margin is this often the mean error: of normal errors, 99 in 100 are within. */
const ERRORS_OF_MARGIN = 3;
/** Of fewer errors nothing follows. */
const MIN_ERRORS = 3;
const DEVIATIONS_OF_OUTPUT = 3;
/** A mean of equal numbers may be a little more than they are. */
const ROUNDING = 1e-6;

/** The last `n` calls of a model in a conversation, oldest first, read from its records: nothing else is remembered. */
export function usesOf(records: readonly LogRecord[], model: string, n: number): Use[] {
  return records.flatMap((record) => (record.model === model ? (useOf(record) ?? []) : [])).slice(-n);
}

function useOf({ usage, budget, finish_reason }: LogRecord): Use | undefined {
  if (usage === undefined || budget === undefined || usage.input_tokens === 0) return undefined;
  const ended = finish_reason?.unified ?? 'other';
  if (ended === 'cancelled' || ended === 'error') return undefined;
  const { input_tokens, output_tokens } = usage;
  return {
    counted_tokens: budget.counted_tokens ?? budget.input_tokens,
    input_tokens,
    output_tokens,
    cut: ended === 'length',
    forecast_tokens: budget.forecast_tokens,
  };
}

/**
 * Exponential moving average over values, oldest first, with the usual weight of n values, 2 / (n + 1), corrected for
 * its start: of few values the first would otherwise be most of it.
 */
function ema(values: readonly number[], n: number): number | undefined {
  const fade = 1 - 2 / (n + 1);
  let sum = 0;
  let weight = 0;
  for (const value of values) {
    sum = fade * sum + value;
    weight = fade * weight + 1;
  }
  return weight === 0 ? undefined : sum / weight;
}

/** Real tokens for each counted one, by what the model reported; undefined where it reported nothing yet. */
function ratioOf(uses: readonly Use[], n: number): number | undefined {
  const real = ema(
    uses.map((use) => use.input_tokens),
    n,
  );
  const counted = ema(
    uses.map((use) => use.counted_tokens),
    n,
  );
  return real === undefined || counted === undefined ? undefined : boundedRatio(real / Math.max(1, counted));
}

interface Expected {
  readonly uses: readonly Use[];
  readonly settings: ForecastSettings;
  /** The count is by the model's own tokenizer. */
  readonly exact: boolean;
  /** The text at hand as it was counted. */
  readonly counted_tokens: number;
  /** What other conversations with the model tell of the text at hand. */
  readonly prior: Calibrated;
  /** The longest answer that was asked for. */
  readonly most_output_tokens: number;
}

/**
 * What a call will take: `EMA(input of the last n) · α + EMA(output of the last n) · β`, each input carried over to
 * the text at hand by the ratio of real to counted tokens; of the part of it that the last call has not seen, other
 * conversations tell the ratio. To the mean of outputs two mean deviations are added, as TCP does to its round trips
 * (Jacobson 1988, there four). The margin follows the error of the forecasts before. With no call to look back on, the
 * longest answer and the largest margin are taken.
 */
export function forecast(expected: Expected): Forecast {
  const { uses, settings, exact, most_output_tokens } = expected;
  const { turns, alpha, beta, margin_min } = settings;
  const margin_max = Math.max(margin_min, settings.margin_max);
  const errors = uses.flatMap((use) => errorOf(use) ?? []);
  const margin =
    errors.length < MIN_ERRORS
      ? margin_max
      : Math.min(margin_max, Math.max(margin_min, ERRORS_OF_MARGIN * (ema(errors, turns) ?? 0)));
  const expected_output_tokens = Math.min(
    most_output_tokens,
    Math.ceil((outputOf(expected) ?? most_output_tokens) * beta - ROUNDING),
  );
  const reserve_tokens = Math.min(most_output_tokens, Math.ceil(expected_output_tokens * (1 + margin)));
  const unseen = uses.length === 0 ? 1 : 1 - seenOf(expected);
  const carried = ratioOfText(expected, 1 - unseen);
  // An exact count that the model reports more than leaves something out; less is what its server does not tell.
  const ratio = exact ? Math.max(1, carried) : carried;
  return {
    uses: uses.length,
    exact,
    ratio,
    alpha,
    own_ratio: exact ? 0 : carried - expected.prior.ratio,
    counted_tokens: expected.counted_tokens,
    unseen,
    expected_output_tokens,
    margin,
    reserve_tokens,
  };
}

/** What a context, or what is left of it, will take: as it is forecast, and as the limit is held to it. */
export function inputOf(
  { exact, ratio, alpha, own_ratio, margin, ...made }: Forecast,
  counted_tokens: number,
  prior: Calibrated,
): { readonly tokens: number; readonly at_most: number } {
  const real = alpha * (exact ? ratio : boundedRatio(prior.ratio + own_ratio));
  // What is left of a context is another mixture, of which the calls before say less.
  const unsure = Math.max(made.unseen, 1 - counted_tokens / Math.max(1, made.counted_tokens));
  const more = exact ? 0 : Math.max(real * margin, alpha * prior.spread * unsure);
  return { tokens: Math.ceil(counted_tokens * real), at_most: Math.ceil(counted_tokens * (real + more)) };
}

/** Mean and deviations of the last answers; undefined where there were none. */
function outputOf({ uses, settings, most_output_tokens }: Expected): number | undefined {
  const { turns } = settings;
  const outputs = uses.map((use) => (use.cut ? most_output_tokens : use.output_tokens));
  const mean = ema(outputs, turns);
  if (mean === undefined) return undefined;
  // Of a single answer half is its deviation, as a first round trip has it (RFC 6298).
  const deviations = [(outputs[0] ?? 0) / 2, ...outputs.map((output) => Math.abs(output - mean))];
  const deviation = ema(deviations, turns);
  return mean + DEVIATIONS_OF_OUTPUT * (deviation ?? 0);
}

/** The refusal of a context as too long. */
export function isTooLong(error: unknown): error is PlatformError {
  return error instanceof PlatformError && error.code === 'context_length_exceeded';
}

/** After so many refusals of a context as too long nobody tries again. */
export const MAX_REFITS = 3;
const REFIT = 1.25;

/**
 * For how many times its tokens a context is taken that was refused as too long so often: each time further, up to
 * almost four, for a vocabulary may take some languages several times as dear as another.
 */
export function tightness(refusals: number): number {
  return REFIT ** ((refusals * (refusals + 1)) / 2);
}

/** Share of the text at hand that the last call had too. */
function seenOf({ uses, counted_tokens }: Expected): number {
  return Math.min(1, (uses.at(-1)?.counted_tokens ?? 0) / Math.max(1, counted_tokens));
}

/** Real tokens for each counted one of the text at hand. */
function ratioOfText({ uses, settings, exact, prior }: Expected, seen: number): number {
  const unseen = exact ? 1 : prior.ratio;
  const learnt = ratioOf(uses, settings.turns);
  return learnt === undefined ? unseen : seen * learnt + (1 - seen) * unseen;
}

/** How far a forecast was off, as a share of it; undefined where there was none. */
export function errorOf({
  forecast_tokens = 0,
  input_tokens,
  output_tokens,
}: Pick<Use, 'forecast_tokens' | 'input_tokens' | 'output_tokens'>): number | undefined {
  return forecast_tokens > 0 ? Math.abs((input_tokens + output_tokens) / forecast_tokens - 1) : undefined;
}

/** Shorter texts say nothing of how many tokens a character is: what a template adds outweighs them. */
const MIN_CHARS = 400;
const MIN_TOKENS_PER_CHAR = 0.15;
const MAX_TOKENS_PER_CHAR = 1.5;
/** English prose, by most vocabularies a little less. */
const USUAL_TOKENS_PER_CHAR = 0.3;

/** Tokens that a character of a model's answers is taken for: by its last answer, or by its input. */
export function tokensPerChar(
  records: readonly LogRecord[],
  model: string,
  input: { readonly tokens: number; readonly chars: number },
): number {
  const answers = records.flatMap(({ model: by, usage, content, reasoning = '' }) => {
    const chars = content.length + reasoning.length;
    return by === model && usage !== undefined && chars >= MIN_CHARS
      ? [{ tokens: usage.output_tokens, chars }]
      : [];
  });
  const last = answers.at(-1);
  const { tokens, chars } = last ?? input;
  const per_char = chars < MIN_CHARS ? USUAL_TOKENS_PER_CHAR : tokens / chars;
  return Math.min(MAX_TOKENS_PER_CHAR, Math.max(MIN_TOKENS_PER_CHAR, per_char));
}
