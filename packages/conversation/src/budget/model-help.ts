/** What models do for a context that is too long: vectors of its pieces, and a summary of what has to go. */
import { type CallContext, type ChatMessage, type ModelGatewayApi, PlatformError } from '@mcp/contracts';
import { ReasoningSplitter } from '../turns/reasoning.ts';
import { extractSummary, fitBudget } from './budget.ts';
import { chunksOf, GAP } from './cut.ts';
import { readable } from './pieces.ts';

export interface ModelHelp {
  readonly models: Pick<ModelGatewayApi, 'models' | 'embed' | 'generate'>;
  /** The context is compared by its words then. */
  onNoVectors(error: unknown): void;
}

/** A context is compared by its words when this is not enough: nobody waits longer for a question to be asked. */
const TIMEOUT_MS = 2000;
/** Characters of a text that are embedded: small embedding models read some 500 tokens. */
const MAX_CHARS = 1200;
const SUMMARY_TOKENS = 160;
/** Characters of what is dropped that a summary is made of. */
const SUMMARISED_CHARS = 2400;
const MIN_EXCERPT_CHARS = 40;

/** The first embedding model that is ready; undefined where there is none. */
export async function embeddingModel(
  models: Pick<ModelGatewayApi, 'models'>,
  call: CallContext,
): Promise<string | undefined> {
  const listed = await models.models(call);
  return listed.find(({ kind, status }) => kind === 'embedding' && status === 'ready')?.id;
}

/** Vectors of texts by the first embedding model that is ready; undefined where there is none, or it takes too long. */
export async function contextVectors(
  { models, onNoVectors }: ModelHelp,
  texts: readonly string[],
  call: CallContext,
): Promise<readonly (readonly number[])[] | undefined> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = AbortSignal.any([call.signal, timeout]);
  const bounded = { ...call, signal, deadline_ms: Math.min(call.deadline_ms, Date.now() + TIMEOUT_MS) };
  try {
    const model = await embeddingModel(models, bounded);
    if (model === undefined) return undefined;
    const input = texts.map((text) => text.slice(0, MAX_CHARS).toWellFormed().trim() || '-');
    return (await models.embed({ model, input }, bounded)).vectors;
  } catch (error) {
    if (call.signal.aborted || !(error instanceof PlatformError || timeout.aborted)) throw error;
    onNoVectors(error);
    return undefined;
  }
}

interface Dropped {
  readonly model: string;
  readonly dropped: readonly ChatMessage[];
  readonly limit_tokens: number;
  count(messages: readonly ChatMessage[]): Promise<number>;
}

/** A summary by the model itself, within the same budget; when it cannot, first sentences. */
export async function summaryOf(
  { models }: ModelHelp,
  { model, dropped, limit_tokens, count }: Dropped,
  call: CallContext,
): Promise<string> {
  const max_tokens = Math.min(SUMMARY_TOKENS, Math.floor(limit_tokens / 4));
  const splitter = new ReasoningSplitter();
  let summary = '';
  try {
    const { messages } = await fitBudget({
      messages: [
        { role: 'system', content: 'Summarise the text in three sentences.' },
        { role: 'user', content: excerpt(dropped) },
      ],
      limit_tokens,
      reserve_tokens: max_tokens,
      count,
    });
    const request = { model, messages: [...messages], stream: true, max_tokens, temperature: 0 };
    for await (const event of models.generate(request, call))
      if (event.type === 'text') summary += splitter.push(event.text).text;
    summary += splitter.end().text;
  } catch (error) {
    if (call.signal.aborted || !(error instanceof PlatformError)) throw error;
  }
  return summary.trim() === '' ? extractSummary(dropped) : summary.trim();
}

/** Sentences of texts that are too long to be read, from their beginnings to their ends. */
function excerpt(messages: readonly ChatMessage[]): string {
  const texts = messages.map(readable).filter((text) => text.trim() !== '');
  const each = Math.max(MIN_EXCERPT_CHARS, Math.floor(SUMMARISED_CHARS / Math.max(1, texts.length)));
  return texts
    .map((text) => spread(text, each))
    .join('\n')
    .slice(0, SUMMARISED_CHARS)
    .toWellFormed();
}

/** At most about so many characters of a text: sentences that stand equally far apart. */
function spread(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const sentences = chunksOf(text, MIN_EXCERPT_CHARS);
  const count = Math.max(1, Math.floor((chars * sentences.length) / text.length));
  return Array.from({ length: count }, (_, i) => sentences[Math.floor((i * sentences.length) / count)] ?? '')
    .join(GAP)
    .slice(0, chars);
}
