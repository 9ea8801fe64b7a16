/** Fits the scales of a cascade to recorded answers: logistic regression with a ridge, its strength by cross-validation. */
import type { AdequacyFeature, AdequacyScale } from '@mcp/contracts';
import type { Features } from '@mcp/model-serving/adequacy';

export interface Example {
  readonly features: Features;
  /** Whether the answer was as good as that of the dearer model. */
  readonly adequate: boolean;
}

const STEPS = 300;
const FOLDS = 5;
const RIDGES = [0.01, 0.03, 0.1] as const;
/** Words that fewer examples have say nothing. */
const LEAST_EXAMPLES = 4;

type Fitted = Pick<AdequacyScale, 'bias' | 'weights'>;

/** Examples as rows of numbers, the last of which is for the bias. */
interface Table {
  readonly names: readonly AdequacyFeature[];
  readonly rows: readonly Float64Array[];
  readonly adequate: readonly boolean[];
}

function tableOf(examples: readonly Example[]): Table {
  const seen = new Map<AdequacyFeature, number>();
  for (const { features } of examples)
    for (const name of features.keys()) seen.set(name, (seen.get(name) ?? 0) + 1);
  const names = [...seen].filter(([, count]) => count >= LEAST_EXAMPLES).map(([name]) => name);
  const rows = examples.map(({ features }) =>
    Float64Array.from([...names.map((name) => features.get(name) ?? 0), 1]),
  );
  return { names, rows, adequate: examples.map((one) => one.adequate) };
}

function probability(weights: Float64Array, row: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < row.length; at++) sum += (weights[at] ?? 0) * (row[at] ?? 0);
  return 1 / (1 + Math.exp(-sum));
}

/** Gradient descent on the mean log loss over some rows; the step is that of the steepest that the loss can be. */
function descend({ names, rows, adequate }: Table, among: readonly number[], ridge: number): Float64Array {
  const weights = new Float64Array(names.length + 1);
  const squares = rows.map((row) => row.reduce((sum, value) => sum + value * value, 0));
  const step = 1 / (Math.max(...squares) / 4 + ridge);
  for (let round = 0; round < STEPS; round++) {
    const slope = new Float64Array(weights.length);
    for (const at of among) {
      const row = rows[at] as Float64Array;
      const error = (probability(weights, row) - (adequate[at] === true ? 1 : 0)) / among.length;
      for (let i = 0; i < slope.length; i++) slope[i] = (slope[i] ?? 0) + error * (row[i] ?? 0);
    }
    for (let i = 0; i < weights.length; i++) {
      const pull = i < names.length ? ridge * (weights[i] ?? 0) : 0;
      weights[i] = (weights[i] ?? 0) - step * ((slope[i] ?? 0) + pull);
    }
  }
  return weights;
}

/** The probability of each example by a model that has not seen it. */
function unseen(table: Table, ridge: number): number[] {
  const all = table.rows.map((_, at) => at);
  const fits = Array.from({ length: FOLDS }, (_, fold) =>
    descend(
      table,
      all.filter((at) => at % FOLDS !== fold),
      ridge,
    ),
  );
  return table.rows.map((row, at) => probability(fits[at % FOLDS] as Float64Array, row));
}

function logLoss({ adequate }: Table, probabilities: readonly number[]): number {
  const losses = probabilities.map((given, at) => {
    const p = Math.min(1 - 1e-9, Math.max(1e-9, given));
    return -Math.log(adequate[at] === true ? p : 1 - p);
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** The fit, and what it says of each example when it has not seen it: thresholds are chosen by these. */
export function fitScale(examples: readonly Example[]): Fitted & { readonly unseen: readonly number[] } {
  const table = tableOf(examples);
  const tried = RIDGES.map((ridge) => {
    const probabilities = unseen(table, ridge);
    return { ridge, probabilities, loss: logLoss(table, probabilities) };
  });
  const best = tried.reduce((one, other) => (other.loss < one.loss ? other : one));
  const fitted = descend(
    table,
    table.rows.map((_, at) => at),
    best.ridge,
  );
  const weights = Object.fromEntries(table.names.map((name, at) => [name, fitted[at] ?? 0]));
  return { bias: fitted[table.names.length] ?? 0, weights, unseen: best.probabilities };
}
