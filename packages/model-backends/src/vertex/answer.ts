/** What generateContent and streamGenerateContent answer, as events. */
import {
  type FinishReason,
  type LogprobToken,
  type ModelEvent,
  PlatformError,
  type Usage,
} from '@mcp/contracts';
import { type EventReader, errorFromBody } from '@mcp/wire';
import { z } from 'zod';

const MAX_CANDIDATES = 128;
const tokens = z.number().int().nonnegative().nullish();
const Part = z.looseObject({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  functionCall: z.looseObject({ name: z.string(), args: z.unknown().optional() }).optional(),
});
const Probable = z.looseObject({ token: z.string().default(''), logProbability: z.number().nullish() });
const Logprobs = z.looseObject({
  chosenCandidates: z.array(Probable).nullish(),
  /** For each of them those that were likely in its place. */
  topCandidates: z.array(z.looseObject({ candidates: z.array(Probable).nullish() })).nullish(),
});
const Answer = z.looseObject({
  candidates: z
    .array(
      z.looseObject({
        index: z.number().int().min(0).max(MAX_CANDIDATES).default(0),
        content: z.looseObject({ parts: z.array(Part).nullish() }).nullish(),
        finishReason: z.string().nullish(),
        logprobsResult: Logprobs.nullish(),
      }),
    )
    .max(MAX_CANDIDATES)
    .nullish(),
  promptFeedback: z.looseObject({ blockReason: z.string().nullish() }).nullish(),
  usageMetadata: z
    .looseObject({
      promptTokenCount: tokens,
      candidatesTokenCount: tokens,
      thoughtsTokenCount: tokens,
      cachedContentTokenCount: tokens,
    })
    .nullish(),
});
type Answer = z.infer<typeof Answer>;

export class GeminiReader implements EventReader {
  readonly events: ModelEvent[] = [];
  /** Its streams have no last event. */
  readonly ended = false;
  /** Candidates that have begun, with why they ended. */
  readonly #finish = new Map<number, FinishReason | undefined>();
  readonly #calls = new Map<number, number>();
  #usage: Usage | undefined;

  constructor(id: string) {
    const created_s = Math.floor(Date.now() / 1000);
    this.events.push({ type: 'start', id, model: '', backend: 'vertex', created_s });
  }

  get complete(): boolean {
    return this.#finish.size > 0 && [...this.#finish.values()].every((reason) => reason !== undefined);
  }

  read(json: unknown): void {
    const failure = errorFromBody(json);
    if (failure !== undefined) throw failure;
    const { data, error } = Answer.safeParse(json);
    if (data?.candidates == null && data?.promptFeedback == null && data?.usageMetadata == null)
      throw new PlatformError('upstream_failed', 'Vertex AI sent an answer that cannot be read.', {
        cause: error,
      });
    for (const { index, content, finishReason, logprobsResult } of data.candidates ?? []) {
      for (const part of content?.parts ?? []) this.#part(index, part);
      if (logprobsResult != null) this.#logprobs(index, logprobsOf(logprobsResult));
      if (!this.#finish.has(index)) this.#finish.set(index, undefined);
      if (finishReason) this.#finish.set(index, finishOf(finishReason, this.#calls.has(index)));
    }
    // A prompt that is refused has no candidate.
    const blocked = data.promptFeedback?.blockReason;
    if (blocked) this.#finish.set(0, { unified: 'content_filter', raw: blocked });
    if (data.usageMetadata != null) this.#usage = usageOf(data.usageMetadata);
  }

  end(): void {
    for (const [choice, reason] of this.#finish)
      this.events.push({ type: 'finish', choice, reason: reason ?? { unified: 'other', raw: null } });
    if (this.#usage !== undefined) this.events.push({ type: 'usage', usage: this.#usage });
  }

  /** They belong to the text that came with them; where none did, to no more of it. */
  #logprobs(choice: number, logprobs: LogprobToken[]): void {
    if (logprobs.length === 0) return;
    const last = this.events.at(-1);
    if (last?.type === 'text' && last.choice === choice && last.logprobs === undefined)
      this.events.splice(-1, 1, { ...last, logprobs });
    else this.events.push({ type: 'text', choice, text: '', logprobs });
  }

  #part(choice: number, { text, thought, functionCall }: z.infer<typeof Part>): void {
    if (text) this.events.push({ type: thought === true ? 'reasoning' : 'text', choice, text });
    if (functionCall === undefined) return;
    const index = this.#calls.get(choice) ?? 0;
    this.#calls.set(choice, index + 1);
    this.events.push({
      type: 'tool_call',
      choice,
      index,
      id: `call_${choice}_${index}`,
      name: functionCall.name,
      arguments_delta: JSON.stringify(functionCall.args ?? {}),
    });
  }
}

function logprobsOf({ chosenCandidates, topCandidates }: z.infer<typeof Logprobs>): LogprobToken[] {
  return (chosenCandidates ?? []).map((chosen, at) => ({
    ...probable(chosen),
    top_logprobs: (topCandidates?.[at]?.candidates ?? []).map(probable),
  }));
}

function probable({ token, logProbability }: z.infer<typeof Probable>): Omit<LogprobToken, 'top_logprobs'> {
  // OpenAI's figure for what is all but impossible.
  return { token, logprob: logProbability ?? -9999, bytes: [...Buffer.from(token)] };
}

function finishOf(raw: string, called: boolean): FinishReason {
  switch (raw) {
    case 'STOP':
      return { unified: called ? 'tool_calls' : 'stop', raw };
    case 'MAX_TOKENS':
      return { unified: 'length', raw };
    case 'SAFETY':
    case 'RECITATION':
    case 'BLOCKLIST':
    case 'PROHIBITED_CONTENT':
    case 'SPII':
    case 'IMAGE_SAFETY':
      return { unified: 'content_filter', raw };
    case 'MALFORMED_FUNCTION_CALL':
      return { unified: 'error', raw };
    default:
      return { unified: 'other', raw };
  }
}

/** Thoughts are counted beside the answer. */
function usageOf(usage: NonNullable<Answer['usageMetadata']>): Usage {
  const { thoughtsTokenCount: thoughts, cachedContentTokenCount: cached } = usage;
  return {
    input_tokens: usage.promptTokenCount ?? 0,
    output_tokens: (usage.candidatesTokenCount ?? 0) + (thoughts ?? 0),
    ...(cached == null ? {} : { cached_input_tokens: cached }),
    ...(thoughts == null ? {} : { reasoning_tokens: thoughts }),
  };
}
