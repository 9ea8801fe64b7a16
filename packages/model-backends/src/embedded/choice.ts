import { ReasoningSplitter } from '@mcp/conversation';
import type { LLamaChatGenerateResponseOptions, Token, TokenMeterState } from 'node-llama-cpp';
import { stops } from '../text.ts';
import { CallFinder, type FoundCall } from './calls/finder.ts';
import { type Heard, tokensBefore } from './calls/heard.ts';
import { CallWriter } from './calls/writer.ts';
import { type ChoiceRun, finishOf, samplerOptions } from './choice-run.ts';
import { tokensWithLogprobs } from './logprobs.ts';
import type { Plan } from './plan.ts';
import { prefill } from './prefill.ts';

/** Lets the model write one choice. */
export async function writeChoice(run: ChoiceRun): Promise<void> {
  const { chat, plan, out, pace } = run;
  const { mode } = plan;
  const before = chat.sequence.tokenMeter.getState();
  const used = () => chat.sequence.tokenMeter.diff(before);
  out.begin(run.choice, used);
  await prefill(chat.sequence, plan.prompt, { pace, signal: out.signal });
  switch (mode.type) {
    case 'text':
      return writeText(run, mode.grammar === undefined ? {} : { grammar: mode.grammar });
    case 'calls':
      return writeWithCalls(run, mode, used);
    case 'logprobs':
      return writeWithLogprobs(run, mode.top, used);
    default:
      return mode satisfies never;
  }
}

type ResponseOptions = LLamaChatGenerateResponseOptions;

function optionsOf(run: ChoiceRun): ResponseOptions {
  const { plan, request, out } = run;
  const { sampling } = plan;
  return {
    ...samplerOptions(run),
    repeatPenalty: {
      penalty: 1.1,
      frequencyPenalty: sampling.frequency_penalty,
      presencePenalty: sampling.presence_penalty,
    },
    maxTokens: plan.max_tokens,
    signal: out.signal,
    stopOnAbortSignal: true,
    // Everything fits: nothing may be taken out of the prompt behind the caller's back.
    contextShift: { strategy: () => Promise.reject(new Error('the prompt does not fit')) },
    ...(stops(request.stop).length === 0 ? {} : { customStopTriggers: stops(request.stop) }),
  };
}

/**
 * What the model says, with `<think>` blocks and the template's own thought segments as reasoning. `pass` may hold
 * text back.
 */
function speaker(
  { out, choice }: ChoiceRun,
  pass: (text: string) => string = (text) => text,
): {
  chunk: NonNullable<ResponseOptions['onResponseChunk']>;
  end(): void;
} {
  const splitter = new ReasoningSplitter();
  const say = ({ text, reasoning }: { text: string; reasoning: string }) => {
    if (reasoning !== '') out.push({ type: 'reasoning', choice, text: reasoning });
    const passed = text === '' ? '' : pass(text);
    if (passed !== '') out.push({ type: 'text', choice, text: passed });
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

/** What a choice has read and written so far, as llama.cpp counts it. */
type Used = () => TokenMeterState;
type CallMode = Extract<Plan['mode'], { type: 'calls' }>;

/** Text until a call begins, if one does; then calls. */
async function writeWithCalls(run: ChoiceRun, { calls, syntax }: CallMode, used: Used): Promise<void> {
  const { plan, choice, out } = run;
  const finding = { markers: syntax.markers, names: new Set(calls.functions.keys()) };
  const begun = calls.forced
    ? { tokens: [], call: { before: syntax.form.before, name: undefined } }
    : await writeUntilCall(run, new CallFinder(finding));
  if (begun === undefined) return;
  const { usedInputTokens } = used();
  const writer = new CallWriter({ run, calls, finding, tokens: [...plan.prompt, ...begun.tokens] });
  out.begin(choice, () => ({ usedInputTokens, usedOutputTokens: Math.min(writer.written, plan.max_tokens) }));
  out.finish(choice, await writer.write(begun.call));
}

/** The tokens before the call, which are said already. */
async function writeUntilCall(
  run: ChoiceRun,
  finder: CallFinder,
): Promise<{ readonly tokens: readonly Token[]; readonly call: FoundCall } | undefined> {
  const { chat, model, plan, choice, out } = run;
  const heard: Heard[] = [];
  const begun = new AbortController();
  let call: FoundCall | undefined;
  const speech = speaker(run, (text) => {
    if (call !== undefined) return '';
    const found = finder.push(text);
    call = found.call;
    if (call !== undefined) begun.abort();
    return found.text;
  });
  const response = await chat.generateResponse(plan.history, {
    ...optionsOf(run),
    signal: AbortSignal.any([out.signal, begun.signal]),
    onResponseChunk(chunk) {
      heard.push(chunk);
      speech.chunk(chunk);
    },
  });
  speech.end();
  if (call !== undefined) return { tokens: tokensBefore(call.written, { heard, model }), call };
  const rest = finder.end();
  if (rest !== '') out.push({ type: 'text', choice, text: rest });
  out.finish(choice, finishOf(response.metadata.stopReason));
  return undefined;
}

async function writeWithLogprobs(run: ChoiceRun, top: number, used: Used): Promise<void> {
  const { chat, model, plan, choice, out, request } = run;
  const { sequence } = chat;
  let written = 0;
  const last = plan.prompt.at(-1);
  if (last === undefined) throw new Error('an empty prompt');
  out.begin(choice, () => ({
    usedInputTokens: Math.max(0, used().usedInputTokens - written),
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
