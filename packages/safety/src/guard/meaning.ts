/** The stage after the words: harm in a question by its embedding, where the words leave it open. */
import { type ChatMessage, textOf } from '@mcp/contracts';
import { WINDOW_CHARS } from '../classifier/features.ts';
import { harmClassifier } from '../classifier/harm.ts';
import { oneLine } from '../embeddings/doubtful.ts';
import { harmHead } from '../embeddings/head.ts';
import type { Guard } from './guard.ts';
import { noteKinds } from './harm.ts';
import type { VectorsOf } from './outliers.ts';
import type { Findings } from './policy.ts';

/** Below that score by its words nobody asks for an embedding: most questions are. */
const DOUBT = 0.01;

/** Notes what is found. Nothing where the words have found harm, leave no doubt, or nobody gives an embedding in time. */
export async function weighQuestion(
  { policy }: Pick<Guard, 'policy'>,
  messages: readonly ChatMessage[],
  { findings, vectorsOf }: { readonly findings: Findings; readonly vectorsOf: VectorsOf },
): Promise<void> {
  if (policy.mode === 'off') return;
  const asked = messages.findLast(({ role }) => role === 'user');
  const text = asked === undefined ? '' : textOf(asked.content, { picture: () => '' });
  const { card, harm } = harmClassifier();
  // An embedding is of a few sentences: of a long text it says little.
  if (text.length > WINDOW_CHARS) return;
  const { score, from } = harm(text);
  if (score < DOUBT || score > card.thresholds.question.flag) return;
  const head = harmHead();
  const vector = (await vectorsOf(head.card.embedder, [oneLine(text)]))?.[0];
  if (vector?.length !== head.card.dimensions) return;
  const weighed = head.score({ vector, score, nearness: 0 });
  if (weighed > head.card.threshold) noteKinds({ policy }, { text, from, score: weighed }, findings);
}
