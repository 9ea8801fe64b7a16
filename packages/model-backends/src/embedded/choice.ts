import { randomUUID } from 'node:crypto';
import type { ChatCompletionRequest, FinishReason } from '@mcp/contracts';
import { ReasoningSplitter } from '@mcp/conversation';
import type { LLamaChatGenerateResponseOptions, LlamaChat, LlamaModel } from 'node-llama-cpp';
import { z } from 'zod';
import { stops } from '../text.ts';
import { tokensWithLogprobs } from './logprobs.ts';
import type { Output } from './output.ts';
import type { Plan } from './plan.ts';
import { prefill, type ReadingPace } from './prefill.ts';

export interface ChoiceRun {
  readonly chat: LlamaChat;
  readonly model: LlamaModel;
  readonly request: ChatCompletionRequest;
  readonly plan: Plan;
  readonly choice: number;
  readonly out: Output;
  readonly pace: ReadingPace;
}

const Call = z.object({ name: z.string(), arguments: z.unknown() });

/** Lets the model write one choice. */
export async function writeChoice(run: ChoiceRun): Promise<void> {
  const { chat, plan, out, pace } = run;
  const { mode } = plan;
  const before = chat.sequence.tokenMeter.getState();
  out.begin(run.choice, () => chat.sequence.tokenMeter.diff(before));
  await prefill(chat.sequence, plan.prompt, { pace, signal: out.signal });
  switch (mode.type) {
    case 'text':
      return writeText(run, mode.grammar === undefined ? {} : { grammar: mode.grammar });
    case 'functions':
      return writeFreely(run, mode.functions);
    case 'forced-call':
      return writeCall(run, mode.grammar);
    case 'logprobs':
      return writeWithLogprobs(run, mode.top);
    default:
      return mode satisfies never;
  }
}

type ResponseOptions = LLamaChatGenerateResponseOptions;

function optionsOf({ plan, choice, request, out }: ChoiceRun): ResponseOptions {
  const { sampling } = plan;
  return {
    temperature: sampling.temperature,
    topP: sampling.top_p,
    topK: sampling.top_k,
    minP: sampling.min_p,
    seed: (sampling.seed + choice) % 2 ** 32,
    repeatPenalty: {
      penalty: 1.1,
      frequencyPenalty: sampling.frequency_penalty,
      presencePenalty: sampling.presence_penalty,
    },
    ...(plan.bias === undefined ? {} : { tokenBias: plan.bias }),
    maxTokens: plan.max_tokens,
    signal: out.signal,
    stopOnAbortSignal: true,
    // Everything fits: nothing may be taken out of the prompt behind the caller's back.
    contextShift: { strategy: () => Promise.reject(new Error('the prompt does not fit')) },
    ...(stops(request.stop).length === 0 ? {} : { customStopTriggers: stops(request.stop) }),
  };
}

/** What the model says, with `<think>` blocks and the template's own thought segments as reasoning. */
function speaker({ out, choice }: ChoiceRun): {
  chunk: NonNullable<ResponseOptions['onResponseChunk']>;
  end(): void;
} {
  const splitter = new ReasoningSplitter();
  const say = ({ text, reasoning }: { text: string; reasoning: string }) => {
    if (reasoning !== '') out.push({ type: 'reasoning', choice, text: reasoning });
    if (text !== '') out.push({ type: 'text', choice, text });
  };
  return {
    chunk(chunk) {
      if (chunk.type !== 'segment') say(splitter.push(chunk.text));
      else if (chunk.text !== '') say({ text: '', reasoning: chunk.text });
    },
    end: () => say(splitter.end()),
  };
}

async function writeText(run: ChoiceRun, grammar: Pick<ResponseOptions, 'grammar'>): Promise<void> {
  const { chat, plan, choice, out } = run;
  const speech = speaker(run);
  const response = await chat.generateResponse(plan.history, {
    ...optionsOf(run),
    ...grammar,
    onResponseChunk: speech.chunk,
  } as ResponseOptions);
  speech.end();
  out.finish(choice, finishOf(response.metadata.stopReason));
}

async function writeFreely(
  run: ChoiceRun,
  functions: Extract<Plan['mode'], { type: 'functions' }>['functions'],
): Promise<void> {
  const { chat, plan, choice, out, request } = run;
  const speech = speaker(run);
  const begun = new Set<number>();
  const { grammar: _none, ...options } = optionsOf(run);
  const response = await chat.generateResponse(plan.history, {
    ...options,
    functions,
    documentFunctionParams: true,
    ...(request.parallel_tool_calls === false ? { maxParallelFunctionCalls: 1 } : {}),
    onResponseChunk: speech.chunk,
    onFunctionCallParamsChunk({ callIndex: index, functionName: name, paramsChunk: arguments_delta }) {
      const first = begun.has(index) ? {} : { id: `call_${randomUUID()}`, name };
      begun.add(index);
      out.push({ type: 'tool_call', choice, index, ...first, arguments_delta });
    },
  });
  speech.end();
  for (const [index, { functionName: name, params }] of (response.functionCalls ?? []).entries()) {
    if (begun.has(index)) continue;
    const arguments_delta = JSON.stringify(params ?? {});
    out.push({ type: 'tool_call', choice, index, id: `call_${randomUUID()}`, name, arguments_delta });
  }
  out.finish(choice, finishOf(response.metadata.stopReason));
}

async function writeCall(
  run: ChoiceRun,
  grammar: Extract<Plan['mode'], { type: 'forced-call' }>['grammar'],
): Promise<void> {
  const { chat, plan, choice, out } = run;
  const { functions: _none, ...options } = optionsOf(run);
  const response = await chat.generateResponse(plan.history, { ...options, grammar } as ResponseOptions);
  const call = Call.safeParse(parsed(response.response)).data;
  // Cut short, half a call is none.
  if (call === undefined) return out.finish(choice, finishOf(response.metadata.stopReason));
  out.push({
    type: 'tool_call',
    choice,
    index: 0,
    id: `call_${randomUUID()}`,
    name: call.name,
    arguments_delta: JSON.stringify(call.arguments ?? {}),
  });
  out.finish(choice, { unified: 'tool_calls', raw: response.metadata.stopReason });
}

async function writeWithLogprobs(run: ChoiceRun, top: number): Promise<void> {
  const { chat, model, plan, choice, out, request } = run;
  const { sequence } = chat;
  const before = sequence.tokenMeter.getState();
  let written = 0;
  const last = plan.prompt.at(-1);
  if (last === undefined) throw new Error('an empty prompt');
  out.begin(choice, () => ({
    usedInputTokens: Math.max(0, sequence.tokenMeter.diff(before).usedInputTokens - written),
    usedOutputTokens: written,
  }));
  const steps = tokensWithLogprobs({
    sequence,
    model,
    last,
    top,
    max_tokens: plan.max_tokens,
    stop: stops(request.stop),
    sampling: { ...plan.sampling, seed: plan.sampling.seed + choice },
    signal: out.signal,
  });
  for await (const step of steps) {
    if (step.type === 'end') return out.finish(choice, finishOf(step.reason));
    written += step.logprobs.length;
    out.push({ type: 'text', choice, text: step.text, logprobs: step.logprobs });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function finishOf(stop: string): FinishReason {
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
