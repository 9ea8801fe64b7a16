/**
 * Trains the classifier of names that the package ships, and writes it there.
 * `node bench/pii/train.ts --python <python with presidio-evaluator>`
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BUCKETS, LABELS, LEXICAL, NONE } from '../../packages/safety/src/pii/names/features.ts';
import { labelled, NamesCard } from '../../packages/safety/src/pii/names/model.ts';
import { type Token, tokensOf } from '../../packages/safety/src/pii/names/tokens.ts';
import { everyday } from '../safety/everyday.ts';
import { mulberry32 } from '../stats.ts';
import { readmes, type Sample, samples } from './data.ts';

const SEED = 12;
const EPOCHS = 6;
const RATE = 0.12;
const RIDGE = 1e-7;
/** How often a token is learnt without its own word, and how often by it alone: each must do where the other is new. */
const BLIND = 0.25;
const ALONE = 0.3;
/** How often what came before is taken as it was found, and not as it is. */
const FOUND = 0.3;
const COUNT = 9_000;
/** A name that is missed is worse than a word that is taken for one: chosen on a third of the templates of training. */
const BIAS = -1;
const TO = new URL('../../packages/safety/src/pii/names/', import.meta.url);

interface Item {
  readonly tokens: readonly Token[];
  readonly gold: Uint8Array;
}

const random = mulberry32(SEED);
const weights = new Float32Array(BUCKETS * LABELS.length);
const squares = new Float32Array(BUCKETS * LABELS.length).fill(1e-3);

const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
const made = await samples(values.python, 'train', COUNT);
const plain = [...readmes('train'), ...everyday().texts.map(({ text }) => text)];
const items = [...made.map(item), ...plain.map((text) => item({ text, spans: [] }))];
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  shuffle(items);
  const wrong = items.reduce((sum, one) => sum + learn(one, RATE / (1 + epoch * 0.5)), 0);
  process.stdout.write(`epoch ${epoch + 1}: ${wrong} tokens wrong\n`);
}
write();

function item({ text, spans }: Pick<Sample, 'text' | 'spans'>): Item {
  const tokens = tokensOf(text);
  const gold = new Uint8Array(tokens.length).fill(NONE);
  tokens.forEach((token, at) => {
    const span = spans.find(({ start, end }) => start < token.end && token.start < end);
    const label = (LABELS as readonly (string | undefined)[]).indexOf(span?.kind);
    if (label >= 0) gold[at] = label;
  });
  return { tokens, gold };
}

/** One pass over a text; returns how many of its tokens were labelled wrongly. */
function learn({ tokens, gold }: Item, rate: number): number {
  let wrong = 0;
  let at = -1;
  const next = () => {
    do at++;
    while (tokens[at]?.shape === 'small' || tokens[at]?.shape === 'mark');
    return gold[at] ?? NONE;
  };
  labelled(tokens, 0, (features) => {
    const want = next();
    const draw = random();
    const seen =
      draw < BLIND
        ? features.subarray(LEXICAL)
        : draw < BLIND + ALONE
          ? features.subarray(0, LEXICAL + 1)
          : features;
    const found = step(seen, want, rate);
    if (seen === features && found !== want) wrong++;
    return random() < FOUND ? found : want;
  });
  return wrong;
}

/** Multinomial logistic regression with AdaGrad; the label `NONE` has no weights. Returns the label that was found. */
function step(features: Int32Array, want: number, rate: number): number {
  const size = LABELS.length;
  const scores = Array.from({ length: size }, (_, label) => {
    let sum = 0;
    for (const feature of features) sum += weights[feature * size + label] ?? 0;
    return sum;
  });
  const most = Math.max(0, ...scores);
  const parts = [...scores, 0].map((score) => Math.exp(score - most));
  const total = parts.reduce((sum, part) => sum + part, 0);
  for (let label = 0; label < size; label++) {
    const error = (parts[label] ?? 0) / total - (want === label ? 1 : 0);
    if (Math.abs(error) < 1e-3) continue;
    for (const feature of features) {
      const index = feature * size + label;
      const slope = error + RIDGE * (weights[index] ?? 0);
      squares[index] = (squares[index] ?? 0) + slope * slope;
      weights[index] = (weights[index] ?? 0) - (rate * slope) / Math.sqrt(squares[index] ?? 1);
    }
  }
  const best = scores.indexOf(Math.max(...scores));
  return (scores[best] ?? 0) > 0 ? best : NONE;
}

function shuffle(all: Item[]): void {
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j] as Item, all[i] as Item];
  }
}

/** A byte is the sign and the root of a weight: small ones, which are most, are told apart well. */
function write(): void {
  const most = weights.reduce((high, one) => Math.max(high, Math.abs(one)), 0);
  const scale = most / (127 * 127);
  const bytes = Int8Array.from(
    weights,
    (one) => Math.sign(one) * Math.round(Math.sqrt(Math.abs(one) / scale)),
  );
  const corpus = (name: string, licence: string, texts: number) => ({ name, licence, texts });
  const card: NamesCard = {
    name: 'mcp-names',
    version: '1',
    trained_at: new Date().toISOString().slice(0, 10),
    seed: SEED,
    scale,
    bias: BIAS,
    corpora: [
      corpus('presidio-evaluator 0.3.2, half of its templates and identities', 'MIT', COUNT),
      corpus('templates in nine languages, filled by Faker 40.63.0', 'MIT', made.length - COUNT),
      corpus(
        'READMEs of installed packages, three of four',
        'those of the packages',
        readmes('train').length,
      ),
      corpus('everyday sentences of bench/safety', 'own', everyday().texts.length),
    ],
  };
  writeFileSync(new URL('names.bin', TO), bytes);
  writeFileSync(new URL('names.json', TO), `${JSON.stringify(NamesCard.parse(card), null, 2)}\n`);
}
