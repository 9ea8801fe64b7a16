/** What the next call of a model will take, by what the calls before it took. */
import type { LogRecord } from '@mcp/contracts';

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
  /** Real tokens for each counted one. */
  readonly ratio: number;
  readonly expected_output_tokens: number;
  /** Share that is kept free beyond the forecast. */
  readonly margin: number;
  /** Kept free for the answer. */
  readonly reserve_tokens: number;
}

/** A count that is further off than this is not one of the same text. */
const MIN_RATIO = 0.25;
const MAX_RATIO = 4;
/** The margin is this often the mean error: of normal errors, 99 in 100 are within. */
const ERRORS_OF_MARGIN = 3;

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

/** Exponential moving average over values, oldest first, with the usual weight of n values: 2 / (n + 1). */
function ema(values: readonly number[], n: number): number | undefined {
  const weight = 2 / (n + 1);
  return values.reduce<number | undefined>(
    (mean, value) => (mean === undefined ? value : mean + weight * (value - mean)),
    undefined,
  );
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
  return real === undefined || counted === undefined ? undefined : bounded(real / Math.max(1, counted));
}

function bounded(ratio: number): number {
  return Math.min(MAX_RATIO, Math.max(MIN_RATIO, ratio));
}

interface Expected {
  readonly uses: readonly Use[];
  readonly settings: ForecastSettings;
  /** The count is by the model's own tokenizer. */
  readonly exact: boolean;
  /** Ratio learnt from other conversations with the model; 1 when there were none. */
  readonly prior_ratio: number;
  /** The longest answer that was asked for. */
  readonly most_output_tokens: number;
}

/**
 * What a call will take: `EMA(input of the last n) · α + EMA(output of the last n) · β`, each input carried over to
 * the text at hand by the ratio of real to counted tokens. The margin follows the error of the forecasts before. With
 * no call to look back on, the longest answer and the largest margin are taken.
 */
export function forecast({ uses, settings, exact, prior_ratio, most_output_tokens }: Expected): Forecast {
  const { turns, alpha, beta, margin_min } = settings;
  const learnt = ratioOf(uses, turns) ?? prior_ratio;
  const margin_max = Math.max(margin_min, settings.margin_max);
  const error = ema(
    uses.flatMap((use) => errorOf(use) ?? []),
    turns,
  );
  const margin =
    error === undefined ? margin_max : Math.min(margin_max, Math.max(margin_min, ERRORS_OF_MARGIN * error));
  const written = ema(
    uses.map((use) => (use.cut ? most_output_tokens : use.output_tokens)),
    turns,
  );
  const expected_output_tokens = Math.min(
    most_output_tokens,
    Math.ceil((written ?? most_output_tokens) * beta),
  );
  const reserve_tokens = Math.min(most_output_tokens, Math.ceil(expected_output_tokens * (1 + margin)));
  // An exact count that the model reports more than leaves something out; less is what its server does not tell.
  const ratio = alpha * (exact ? Math.max(1, learnt) : learnt);
  return { uses: uses.length, ratio, expected_output_tokens, margin, reserve_tokens };
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
