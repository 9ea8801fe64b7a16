import type { LogprobToken } from '@mcp/contracts';
import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';

export interface LogprobRun {
  readonly sequence: LlamaContextSequence;
  readonly model: LlamaModel;
  readonly prompt: Token[];
  /** Alternatives to report for each token. */
  readonly top: number;
  readonly max_tokens: number;
  readonly stop: readonly string[];
  readonly sampling: {
    readonly temperature: number;
    readonly topP?: number;
    readonly topK?: number;
    readonly minP?: number;
    readonly seed: number;
  };
  readonly signal: AbortSignal;
}

type Step =
  | { readonly type: 'token'; readonly text: string; readonly logprob: LogprobToken }
  | { readonly type: 'end'; readonly reason: string };

/** Generates token by token with the probability of each and of its alternatives, as OpenAI's `logprobs` asks. */
export async function* tokensWithLogprobs(run: LogprobRun): AsyncIterable<Step> {
  const { model, sequence } = run;
  await sequence.clearHistory();
  const past: Token[] = [];
  let said = '';
  for await (const { token, probabilities } of sequence.evaluateWithMetadata(
    run.prompt,
    { probabilities: true },
    run.sampling,
  )) {
    if (run.signal.aborted) return yield { type: 'end', reason: 'abort' };
    if (model.isEogToken(token)) return yield { type: 'end', reason: 'eogToken' };
    const text = model.detokenize([token], false, past);
    past.push(token);
    if (run.stop.some((stop) => `${said}${text}`.includes(stop)))
      return yield { type: 'end', reason: 'customStopTrigger' };
    said = `${said}${text}`.slice(-2000);
    const top_logprobs = [...probabilities]
      .slice(0, run.top)
      .map(([other, probability]) => entry(model.detokenize([other], true), probability));
    yield { type: 'token', text, logprob: { ...entry(text, probabilities.get(token) ?? 0), top_logprobs } };
    if (past.length >= run.max_tokens) return yield { type: 'end', reason: 'maxTokens' };
  }
  return yield { type: 'end', reason: 'eogToken' };
}

function entry(token: string, probability: number): { token: string; logprob: number; bytes: number[] } {
  return { token, logprob: Math.max(-9999, Math.log(probability)), bytes: [...Buffer.from(token)] };
}
