import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HeadCard } from '../../packages/safety/src/embeddings/head.ts';
import { DIMENSIONS, trainHead } from './head-training.ts';
import { openVectors } from './vectors.ts';

/**
 * Trains the head over embeddings that the package ships, and writes it there.
 * `node bench/safety/train-head.ts [--corpora <folder to fetch them into>]`
 */
const TO = new URL('../../packages/safety/src/embeddings/', import.meta.url);

const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') } },
});
const dir = values.corpora;
const { card, weights } = await trainHead(dir, openVectors(dir, DIMENSIONS));
writeFileSync(new URL('injection.bin', TO), weights);
writeFileSync(new URL('injection.json', TO), `${JSON.stringify(HeadCard.parse(card), null, 2)}\n`);
process.stdout.write(`${JSON.stringify({ combined: card.combined, threshold: card.threshold })}\n`);
