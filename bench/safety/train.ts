import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ModelCard } from '../../packages/safety/src/classifier/classifier.ts';
import { trained, trainingParts, validationParts } from './training.ts';

/**
 * Trains the classifier that the package ships, and writes it there.
 * `node bench/safety/train.ts [--corpora <folder to fetch them into>]`
 */
const TO = new URL('../../packages/safety/src/classifier/', import.meta.url);

const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') } },
});
const dir = values.corpora;
const { weights, card } = trained(await trainingParts(dir), await validationParts(dir));
writeFileSync(new URL('injection.bin', TO), weights);
writeFileSync(new URL('injection.json', TO), `${JSON.stringify(ModelCard.parse(card), null, 2)}\n`);
process.stdout.write(`${JSON.stringify(card, null, 2)}\n`);
