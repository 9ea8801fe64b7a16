import type { LogprobToken } from '@mcp/contracts';
import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { Sampler, type Sampling } from './sampler.ts';
import { StopText } from './stop-text.ts';

export interface LogprobRun {
  readonly sequence: LlamaContextSequence;
  readonly model: LlamaModel;
  /** The last token of the prompt; the sequence has read all before it. */
  readonly last: Token;
  /** Alternatives to report for each token. */
  readonly top: number;
  readonly max_tokens: number;
  readonly stop: readonly string[];
  readonly sampling: Sampling;
  readonly signal: AbortSignal;
}

type Step =
  | { readonly type: 'text'; readonly text: string; readonly logprobs: LogprobToken[] }
  | { readonly type: 'end'; readonly reason: string };

/**
 * Generates token by token with the probability of each and of its alternatives in the model's own distribution,
 * before any sampling option, as OpenAI's `logprobs`. Text is given out in whole characters.
 */
export async function* tokensWithLogprobs(run: LogprobRun): AsyncIterable<Step> {
  const { model, sequence } = run;
  const sampler = new Sampler<Token>(run.sampling);
  const held = new StopText<LogprobToken>(run.stop);
  const said: Token[] = [];
  let broken: { tokens: Token[]; probabilities: LogprobToken[] } = { tokens: [], probabilities: [] };
  let token = run.last;
  for (;;) {
    if (run.signal.aborted) return yield { type: 'end', reason: 'abort' };
    const [next] = await sequence.controlledEvaluate([[token, { generateNext: { probabilities: true } }]]);
    const probabilities = next?.next.probabilities;
    if (probabilities === undefined) throw new Error('the model gave no distribution');
    token = sampler.choose(probabilities);
    if (model.isEogToken(token)) {
      const { text, items } = held.end();
      if (text !== '') yield { type: 'text', text, logprobs: items };
      return yield { type: 'end', reason: 'eogToken' };
    }
    broken.tokens.push(token);
    broken.probabilities.push(describe(model, token, { probabilities, top: run.top }));
    const text = model.detokenize(broken.tokens, false, said.slice(-16));
    const last = said.length + broken.tokens.length >= run.max_tokens;
    // The bytes of one character may come in several tokens.
    if (text.endsWith('\uFFFD') && !last) continue;
    const piece = held.push(text, broken.probabilities);
    if (piece.text !== '' || piece.items.length > 0)
      yield { type: 'text', text: piece.text, logprobs: piece.items };
    if (piece.stopped) return yield { type: 'end', reason: 'customStopTrigger' };
    said.push(...broken.tokens);
    broken = { tokens: [], probabilities: [] };
    if (!last) continue;
    const rest = held.end();
    if (rest.text !== '') yield { type: 'text', text: rest.text, logprobs: rest.items };
    return yield { type: 'end', reason: 'maxTokens' };
  }
}

function describe(
  model: LlamaModel,
  token: Token,
  { probabilities, top }: { probabilities: ReadonlyMap<Token, number>; top: number },
): LogprobToken {
  const top_logprobs: Omit<LogprobToken, 'top_logprobs'>[] = [];
  for (const [other, probability] of probabilities) {
    if (top_logprobs.length >= top) break;
    top_logprobs.push(entry(model, other, probability));
  }
  return { ...entry(model, token, probabilities.get(token) ?? 0), top_logprobs };
}

function entry(model: LlamaModel, token: Token, probability: number): Omit<LogprobToken, 'top_logprobs'> {
  const text = model.detokenize([token], true);
  return {
    token: text,
    logprob: Math.max(-9999, Math.log(probability)),
    // What is half a character has no bytes that could be told.
    bytes: text.includes('\uFFFD') ? null : [...Buffer.from(text)],
  };
}
