import { type CallContext, type ModelGatewayApi, PlatformError } from '@mcp/contracts';
import { type JobHandler, readyModel } from './job.ts';

const SUMMARY_TOKENS = 200;
/** Tokens of the prompt and the answer beside the text. */
const OVERHEAD_TOKENS = 120;
const MAX_CHUNKS = 200;

/** Roles of records that are neither a question nor a participant's turn. */
const NOT_SAID: ReadonlySet<string> = new Set(['system', 'summary', 'decision']);

interface Summarizer {
  readonly models: ModelGatewayApi;
  readonly model: string;
  readonly call: CallContext;
}

/** Summarises a conversation: what fits the model at once, else part by part and then the parts together. */
export const summarizeConversation: JobHandler<'summarize-conversation'> = async (run) => {
  const { spec, call, clients, progress } = run;
  const models = clients.modelGateway;
  const conversation = await clients.core.getConversation(spec.conversation_id, call);
  const model = spec.model ?? (await readyModel('chat', run));
  const said = conversation.messages
    .filter(({ role }) => !NOT_SAID.has(role))
    .map(({ role, content }) => `${role}: ${content}`);
  if (said.length === 0)
    throw new PlatformError('invalid_request', 'The conversation has no messages to summarise.');
  const summarizer = { models, model, call };
  const chunks = await chunksOf(summarizer, said);
  const parts: string[] = [];
  for (const [at, chunk] of chunks.entries()) {
    progress(at, chunks.length + 1, `summarising part ${at + 1} of ${chunks.length}`);
    parts.push(await summarize(summarizer, chunk));
  }
  progress(chunks.length, chunks.length + 1, 'putting the parts together');
  const [only] = parts;
  const summary =
    parts.length === 1 && only !== undefined ? only : await summarize(summarizer, parts.join('\n'));
  progress(chunks.length + 1, chunks.length + 1, 'done');
  return { conversation_id: spec.conversation_id, model, summary, parts: parts.length };
};

async function summarize({ models, model, call }: Summarizer, text: string): Promise<string> {
  let summary = '';
  const messages = [
    {
      role: 'system' as const,
      content:
        'Summarise the conversation in at most five sentences. Name what was asked, what was answered and what stayed open.',
    },
    { role: 'user' as const, content: text },
  ];
  for await (const event of models.generate(
    { model, messages, max_tokens: SUMMARY_TOKENS, temperature: 0.2, stream: true },
    call,
  )) {
    if (event.type === 'text') summary += event.text;
    if (event.type === 'finish' && event.reason.unified === 'cancelled')
      throw new PlatformError('cancelled', 'The job was cancelled.');
  }
  return summary.trim();
}

/** Texts of at most what the model can read beside prompt and answer. */
async function chunksOf({ models, model, call }: Summarizer, said: readonly string[]): Promise<string[]> {
  const all = said.join('\n');
  const { tokens, max_context } = await models.countTokens(
    { model, messages: [{ role: 'user', content: all }] },
    call,
  );
  const room = max_context - SUMMARY_TOKENS - OVERHEAD_TOKENS;
  if (tokens <= room) return [all];
  // Tokens are spread unevenly over characters: a quarter is left free.
  const size = Math.max(200, Math.floor((all.length / tokens) * room * 0.75));
  const chunks: string[] = [];
  for (let from = 0; from < all.length && chunks.length < MAX_CHUNKS; from += size)
    chunks.push(all.slice(from, from + size));
  return chunks;
}
