import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HeadCard } from '../../packages/safety/src/embeddings/head.ts';
import { trainHarmHead } from './harm-head.ts';
import { openVectors } from './vectors.ts';

/**
 * Trains the head over embeddings of questions that the package ships, and writes it there.
 * `node bench/safety/train-harm-head.ts [--corpora <folder to fetch them into>] [--vectors <folder to keep them in>]`
 */
const TO = new URL('../../packages/safety/src/embeddings/', import.meta.url);

const { values } = parseArgs({
  options: {
    corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') },
    vectors: { type: 'string' },
  },
});
const dir = values.corpora;
const { card, weights } = await trainHarmHead(dir, openVectors(values.vectors ?? dir, 384));
writeFileSync(new URL('harm.bin', TO), weights);
writeFileSync(new URL('harm.json', TO), `${JSON.stringify(HeadCard.parse(card), null, 2)}\n`);
process.stdout.write(`${JSON.stringify({ combined: card.combined, threshold: card.threshold })}\n`);
