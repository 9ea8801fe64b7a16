/**
 * Policies on the recorded answers to the golden set: tuned on one half, reported on the other.
 * `node bench/adaptive/run.ts --corpus <fitz_gov/data> [--answers …] [--out bench/adaptive/result.json] [--alias bench/adaptive/alias.json]`
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AdequacyFeature, ModelAliases } from '@mcp/contracts';
import { answerFeatures, questionFeatures } from '@mcp/model-serving/adequacy';
import { LARGE, SMALL } from '../arbitration/models.ts';
import { bootstrapFigure, mulberry32 } from '../stats.ts';
import { messagesOf, type Row, readRows } from './answers.ts';
import { goldenSet, type Item } from './golden.ts';
import { type Case, type Policy, play, type Result, tally, tune } from './policies.ts';

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    answers: { type: 'string', default: join(import.meta.dirname, 'answers.jsonl') },
    out: { type: 'string' },
    alias: { type: 'string' },
  },
});
if (values.corpus === undefined)
  throw new Error('--corpus must name the folder fitz_gov/data of fitz-gov 4.1.0');

/** US$ per million tokens: those of Llama 3.1 8B and 3.3 70B at Groq (docs/backends.md), about as far apart as the models' sizes (11.4 ×). */
const PRICES = { small: { input: 0.05, output: 0.08 }, large: { input: 0.59, output: 0.79 } } as const;
/** Random halves, beside the one that is reported. */
const HALVES = 40;

type Prices = { readonly input: number; readonly output: number };

const rows = readRows(values.answers);
const items = goldenSet(values.corpus).flatMap((item) => {
  const [small, large] = [SMALL, LARGE].map((model) =>
    rows.find((row) => row.id === item.id && row.model === model),
  );
  return small === undefined || large === undefined ? [] : [{ item, small, large }];
});

function answerOf(item: Item, row: Row, { input, output }: Prices): Case['small'] {
  const { input_tokens, output_tokens } = row;
  return {
    right: item.right(row.text),
    usd: (input_tokens * input + output_tokens * output) / 1e6,
    tokens: input_tokens + output_tokens,
  };
}

function casesAt(prices: { readonly small: Prices; readonly large: Prices }) {
  return items.map(({ item, small, large }) => ({
    part: item.part,
    kind: item.kind,
    question: questionFeatures(messagesOf(item)),
    answer: answerFeatures(small.text, small.logprobs),
    small: answerOf(item, small, prices.small),
    large: answerOf(item, large, prices.large),
  }));
}

const ofQuestion = (feature: AdequacyFeature) =>
  feature.startsWith('asked:') || ['length', 'digits', 'sentences'].includes(feature);
const POLICIES: Readonly<Record<string, Policy>> = {
  'mean surprisal': { before: undefined, after: (feature) => feature === 'surprisal' },
  'the answer': { before: undefined, after: (feature) => !ofQuestion(feature) },
  'the question': { before: ofQuestion, after: ofQuestion },
  'question, then both': { before: ofQuestion, after: () => true },
};

const sum = (list: readonly number[]) => list.reduce((total, one) => total + one, 0);
const round = (value: number) => Number(value.toFixed(4));
const count = (list: readonly boolean[]) => list.filter((one) => one).length;

function report(cases: readonly Case[], { right, usd, outcomes }: Result) {
  const larger = cases.map(({ large }) => large);
  const gained = cases.map((_, at) => Number(right[at] ?? false) - Number(larger[at]?.right ?? false));
  const cost = bootstrapFigure(
    cases.length,
    (picked) => sum(picked.map((at) => usd[at] ?? 0)) / sum(picked.map((at) => larger[at]?.usd ?? 0)) - 1,
  );
  const quality = bootstrapFigure(
    cases.length,
    (picked) => sum(picked.map((at) => gained[at] ?? 0)) / picked.length,
  );
  const figure = ({ value, low, high }: typeof cost) => [value, low, high].map(round);
  return {
    right: round(count(right) / cases.length),
    quality_change: figure(quality),
    usd_per_1000_tokens: Number(((sum(usd) / sum(larger.map(({ tokens }) => tokens))) * 1000).toPrecision(3)),
    cost_change: figure(cost),
    ...counted(outcomes),
    by_kind: Object.fromEntries(
      [...new Set(cases.map(({ kind }) => kind))].map((kind) => {
        const at = cases.flatMap((one, place) => (one.kind === kind ? [place] : []));
        const gain = sum(at.map((place) => gained[place] ?? 0));
        return [kind, { ...counted(at.map((place) => outcomes[place])), more_right: gain }];
      }),
    ),
  };
}

function counted(outcomes: readonly (string | undefined)[]) {
  const of = (wanted: string) => outcomes.filter((outcome) => outcome === wanted).length;
  return { kept: of('kept'), left: of('left'), skipped: of('skipped') };
}

const cases = casesAt(PRICES);
const dev = cases.filter(({ part }) => part === 'dev');
const test = cases.filter(({ part }) => part === 'test');
const always = (outcome: 'kept' | 'skipped') =>
  tally(
    test,
    test.map(() => outcome),
  );
const tuned = Object.entries(POLICIES).map(([name, policy]) => ({ name, terms: tune(dev, policy) }));

/** The same with other halves: how far the figures depend on which cases were in which. */
function otherHalves(policy: Policy) {
  const random = mulberry32(31);
  const changes = Array.from({ length: HALVES }, () => {
    const first = cases.map(() => random() < 0.5);
    const rest = cases.filter((_, at) => first[at] !== true);
    const { right, usd } = play(
      rest,
      tune(
        cases.filter((_, at) => first[at] === true),
        policy,
      ),
    );
    return {
      cost: sum(usd) / sum(rest.map(({ large }) => large.usd)) - 1,
      quality: (count(right) - count(rest.map(({ large }) => large.right))) / rest.length,
    };
  });
  const of = (list: readonly number[]) => {
    const sorted = [...list].sort((a, b) => a - b);
    return [0.1, 0.5, 0.9].map((share) => round(sorted[Math.floor(share * sorted.length)] ?? Number.NaN));
  };
  return {
    halves: HALVES,
    cost_change_p10_p50_p90: of(changes.map(({ cost }) => cost)),
    quality_change_p10_p50_p90: of(changes.map(({ quality }) => quality)),
  };
}

const kinds = [...new Set(cases.map(({ kind }) => kind))].map((kind) => {
  const of = cases.filter((one) => one.kind === kind);
  const right = (who: 'small' | 'large') => round(count(of.map((one) => one[who].right)) / of.length);
  return [kind, { cases: of.length, small: right('small'), large: right('large') }];
});

const result = {
  models: { small: SMALL, large: LARGE },
  prices_per_mtok_usd: PRICES,
  cases: { all: cases.length, dev: dev.length, test: test.length },
  kinds: Object.fromEntries(kinds),
  test: {
    'the larger model always': report(test, always('skipped')),
    'the smaller model always': report(test, always('kept')),
    ...Object.fromEntries(tuned.map(({ name, terms }) => [name, report(test, play(test, terms))])),
  },
  other_halves: Object.fromEntries(
    Object.entries(POLICIES).map(([name, policy]) => [name, otherHalves(policy)]),
  ),
};
/** What `MODEL_ALIASES` or `aliases` of a stack takes. */
const SHIPPED = 'question, then both';
const alias = {
  adaptive: {
    candidates: [{ model: SMALL }, { model: LARGE }],
    strategy: 'order',
    cascade: tuned.find(({ name }) => name === SHIPPED)?.terms,
  },
};
if (values.alias !== undefined)
  writeFileSync(values.alias, `${JSON.stringify(ModelAliases.parse(alias), null, 2)}\n`);
const text = `${JSON.stringify(result, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
