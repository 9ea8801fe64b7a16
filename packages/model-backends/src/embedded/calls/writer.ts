/** Lets a model write function calls, each held by grammar to a function that there is and to its parameters. */

import { randomUUID } from 'node:crypto';
import type { FinishReason } from '@mcp/contracts';
import { type LlamaGrammar, LlamaGrammarEvaluationState, type Token } from 'node-llama-cpp';
import { type ChoiceRun, finishOf, samplerOptions } from '../choice-run.ts';
import { prefill } from '../prefill.ts';
import { type CallFinderOptions, type FoundCall, NextCall } from './finder.ts';
import { type Heard, tokensBefore } from './heard.ts';
import { JsonEnd } from './json-end.ts';
import type { CallPlan } from './plan.ts';

export interface CallWriterOptions {
  readonly run: ChoiceRun;
  readonly calls: CallPlan;
  readonly finding: CallFinderOptions;
  /** The prompt and what of the answer comes before the calls. */
  readonly tokens: readonly Token[];
}

type Stop = 'heard' | 'eogToken' | 'maxTokens';

/** Tokens before a token that its text may depend on. */
const TOKENS_BEFORE = 16;

export class CallWriter {
  readonly #options: CallWriterOptions;
  readonly #tokens: Token[];

  constructor(options: CallWriterOptions) {
    this.#options = options;
    this.#tokens = [...options.tokens];
  }

  /** Tokens of the answer so far. */
  get written(): number {
    return this.#tokens.length - this.#options.run.plan.prompt.length;
  }

  /** Writes the call that has begun, and further ones as long as the model goes on with them. */
  async write(first: Pick<FoundCall, 'before' | 'name'>): Promise<FinishReason> {
    let call = first;
    for (let index = 0; ; index++) {
      const name = call.name ?? (await this.#name(call.before));
      if (name === undefined) return finishOf('maxTokens');
      const stop = await this.#writeCall({ index, before: call.before, name });
      if (typeof stop === 'string') return finishOf(stop === 'maxTokens' ? stop : 'functionCalls');
      call = stop;
    }
  }

  /** Lets the model choose among several functions. Undefined when the answer has to end before. */
  async #name(before: string): Promise<string | undefined> {
    const { functions, names } = this.#options.calls;
    const [only] = functions.keys();
    if (functions.size === 1) return only;
    const mark = this.#tokens.length;
    this.#put(`${before}{"name": "`);
    let said = '';
    const { stop } = await this.#decode(names, (text) => {
      said += text;
      return said.includes('"');
    });
    this.#tokens.length = mark;
    return stop === 'maxTokens' ? undefined : said.slice(0, said.indexOf('"'));
  }

  /** Writes one call, and gives the next one if one follows. What else a model would say then ends the answer. */
  async #writeCall(call: { index: number; before: string; name: string }): Promise<FoundCall | Stop> {
    const { run, calls, finding } = this.#options;
    const grammar = calls.functions.get(call.name);
    if (grammar === undefined) throw new Error(`a call of the unknown function ${call.name}`);
    const say = (arguments_delta: string, head: { id?: string; name?: string } = {}) =>
      run.out.push({ type: 'tool_call', choice: run.choice, index: call.index, ...head, arguments_delta });
    say('', { id: `call_${randomUUID()}`, name: call.name });
    this.#put(`${call.before}{"name": "${call.name}", "arguments":`);
    const json = new JsonEnd();
    const next = new NextCall(finding);
    let state: 'before' | 'inside' | 'after' = 'before';
    let follows: ReturnType<NextCall['push']>;
    const mark = this.#tokens.length;
    const { stop, heard } = await this.#decode(grammar, (text) => {
      let rest = text;
      if (state !== 'after') {
        const end = json.push(text);
        const piece = text.slice(0, end);
        const delta = state === 'before' ? piece.trimStart() : piece;
        if (delta !== '') {
          say(delta);
          state = 'inside';
        }
        if (end === undefined) return false;
        state = 'after';
        if (call.index + 1 >= calls.max_calls) return true;
        rest = text.slice(end);
      }
      follows = next.push(rest);
      return follows !== undefined;
    });
    if (follows?.type !== 'call') return stop;
    this.#tokens.splice(
      mark,
      Number.POSITIVE_INFINITY,
      ...tokensBefore(follows.call.written, { heard, model: run.model }),
    );
    return follows.call;
  }

  /** Writes until `hear` has heard enough. */
  async #decode(
    grammar: LlamaGrammar,
    hear: (text: string) => boolean,
  ): Promise<{ readonly stop: Stop; readonly heard: readonly Heard[] }> {
    const { run } = this.#options;
    const { chat, model, plan, out } = run;
    const heard: Heard[] = [];
    const full = () => this.written >= plan.max_tokens;
    if (full()) return { stop: 'maxTokens', heard };
    await prefill(chat.sequence, this.#tokens, { pace: run.pace, signal: out.signal });
    const steps = chat.sequence.evaluate(this.#tokens.slice(-1), {
      ...samplerOptions(run),
      grammarEvaluationState: new LlamaGrammarEvaluationState({ model, grammar }),
    });
    let mark = this.#tokens.length;
    for await (const token of steps) {
      out.signal.throwIfAborted();
      this.#tokens.push(token);
      const tokens = this.#tokens.slice(mark);
      const text = model.detokenize(
        tokens,
        false,
        this.#tokens.slice(Math.max(0, mark - TOKENS_BEFORE), mark),
      );
      // The bytes of one character may come in several tokens.
      if (!text.endsWith('\uFFFD') || full()) {
        heard.push({ text, tokens });
        if (hear(text)) return { stop: 'heard', heard };
        mark = this.#tokens.length;
      }
      if (full()) return { stop: 'maxTokens', heard };
    }
    return { stop: 'eogToken', heard };
  }

  #put(text: string): void {
    this.#tokens.push(...this.#options.run.model.tokenize(text));
  }
}
