/** One choice of an answer while it is written, and what all ways of writing it share. */

import type { ChatCompletionRequest, FinishReason } from '@mcp/contracts';
import type { LlamaChat, LlamaModel, SequenceEvaluateOptions } from 'node-llama-cpp';
import type { Output } from './output.ts';
import type { Plan } from './plan.ts';
import type { ReadingPace } from './prefill.ts';

export interface ChoiceRun {
  readonly chat: LlamaChat;
  readonly model: LlamaModel;
  readonly request: ChatCompletionRequest;
  readonly plan: Plan;
  readonly choice: number;
  readonly out: Output;
  readonly pace: ReadingPace;
}

/** How the next token is chosen. */
export function samplerOptions({
  plan: { sampling, bias },
  choice,
}: ChoiceRun): Pick<
  SequenceEvaluateOptions,
  'temperature' | 'topP' | 'topK' | 'minP' | 'seed' | 'tokenBias'
> {
  return {
    temperature: sampling.temperature,
    topP: sampling.top_p,
    topK: sampling.top_k,
    minP: sampling.min_p,
    seed: (sampling.seed + choice) % 2 ** 32,
    ...(bias === undefined ? {} : { tokenBias: bias }),
  };
}

/** Why llama.cpp stopped, in the words of the wire. */
export function finishOf(stop: string): FinishReason {
  switch (stop) {
    case 'maxTokens':
      return { unified: 'length', raw: stop };
    case 'functionCalls':
      return { unified: 'tool_calls', raw: stop };
    case 'eogToken':
    case 'stopGenerationTrigger':
    case 'customStopTrigger':
      return { unified: 'stop', raw: stop };
    case 'abort':
      return { unified: 'cancelled', raw: stop };
    default:
      return { unified: 'other', raw: stop };
  }
}
