import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HarmCard } from '../../packages/safety/src/classifier/harm.ts';
import { answersValidation, harmlessParts, trainedHarm, trainingParts } from './harm-training.ts';

/**
 * Trains the classifier of harm that the package ships, and writes it there.
 * `node bench/safety/train-harm.ts [--corpora <folder to fetch them into>]`
 */
const TO = new URL('../../packages/safety/src/classifier/', import.meta.url);

const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') } },
});
const dir = values.corpora;
const { weights, card } = trainedHarm(await trainingParts(dir), {
  questions: await harmlessParts(dir, 'validation'),
  answers: await answersValidation(dir),
});
writeFileSync(new URL('harm.bin', TO), weights);
writeFileSync(new URL('harm.json', TO), `${JSON.stringify(HarmCard.parse(card), null, 2)}\n`);
process.stdout.write(`${JSON.stringify(card, null, 2)}\n`);
