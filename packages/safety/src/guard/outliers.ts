/** The stage after the sentences: instructions in results of tools by the embeddings of what those left. */
import { type ChatMessage, textOf } from '@mcp/contracts';
import { type Doubtful, doubtfulIn } from '../embeddings/doubtful.ts';
import { injectionHead, nearnessOf, type Vector } from '../embeddings/head.ts';
import type { Guard } from './guard.ts';
import type { Findings } from './policy.ts';
import { Known, keyOf, looksAtInjection, QUARANTINED, type Suspicion, without } from './quarantine.ts';

/** Sentences of one request that are embedded. */
const MAX_SENTENCES = 96;

/** Vectors of texts by a model, in their order; undefined where nobody gives them in time. */
export type VectorsOf = (model: string, texts: readonly string[]) => Promise<readonly Vector[] | undefined>;

interface Result {
  readonly key: string;
  readonly text: string;
  readonly sentences: readonly Doubtful[];
}

const known = new Known();

/**
 * The messages with what is suspicious by its meaning taken out; the same messages where there is nothing, or where
 * there are no embeddings: then what the sentences found stays all that was found.
 */
export async function quarantineOutliers(
  guard: Guard,
  messages: readonly ChatMessage[],
  { findings, vectorsOf }: { readonly findings: Findings; readonly vectorsOf: VectorsOf },
): Promise<readonly ChatMessage[]> {
  if (!looksAtInjection(guard, messages)) return messages;
  await look(newResults(messages), vectorsOf);
  const enforced = guard.policy.mode === 'enforce';
  let changed = false;
  const out = messages.map((message) => {
    if (message.role !== 'tool') return message;
    const text = plain(message);
    const found = known.of(keyOf(text)) ?? [];
    if (found.length === 0) return message;
    const score = Math.max(...found.map((one) => one.score));
    findings.add(
      { category: 'prompt-injection', severity: 'moderate', tier: 'tool_result', stage: 'embedding', score },
      enforced ? 'quarantined' : 'flagged',
    );
    changed ||= enforced;
    return enforced ? { ...message, content: without(text, found) } : message;
  });
  return changed ? out : messages;
}

const plain = ({ content }: ChatMessage) => textOf(content, { picture: () => '' });

/** Results that were not looked at before, the newest first, as far as one request goes. */
function newResults(messages: readonly ChatMessage[]): readonly Result[] {
  const out = new Map<string, Result>();
  let left = MAX_SENTENCES;
  for (const message of messages.toReversed()) {
    if (message.role !== 'tool') continue;
    const text = plain(message);
    const key = keyOf(text);
    if (known.of(key) !== undefined || out.has(key)) continue;
    const sentences = doubtfulIn(text).filter((one) => !one.text.includes(QUARANTINED));
    if (sentences.length > left) break;
    left -= sentences.length;
    out.set(key, { key, text, sentences });
  }
  return [...out.values()];
}

/** Asks for all vectors at once, and keeps what is found of each result. */
async function look(results: readonly Result[], vectorsOf: VectorsOf): Promise<void> {
  const texts = results.flatMap(({ sentences }) => sentences.map(({ text }) => text));
  if (texts.length === 0) return;
  const head = injectionHead();
  const vectors = await vectorsOf(head.card.embedder, texts);
  if (vectors?.length !== texts.length) return;
  if (vectors.some(({ length }) => length !== head.card.dimensions)) return;
  let at = 0;
  for (const { key, sentences } of results) {
    const own = vectors.slice(at, at + sentences.length);
    at += sentences.length;
    const near = nearnessOf(own);
    const found = sentences.flatMap(({ from, to, score }, i): Suspicion[] => {
      const given = head.score({ vector: own[i] ?? [], score, nearness: near[i] ?? 0 });
      return given > head.card.threshold ? [{ from, to, score: given }] : [];
    });
    known.keep(key, found);
  }
}
