/** Lets a model write function calls, each held by grammar to a function that there is and to its parameters. */

import { randomUUID } from 'node:crypto';
import type { FinishReason } from '@mcp/contracts';
import { type LlamaGrammar, LlamaGrammarEvaluationState, type Token } from 'node-llama-cpp';
import { type ChoiceRun, finishOf, samplerOptions } from '../choice-run.ts';
import { prefill } from '../prefill.ts';
import { type CallFinderOptions, type FoundCall, NextCall } from './finder.ts';
import { JsonEnd } from './json-end.ts';
import type { CallPlan } from './plan.ts';
import type { CallForm } from './syntax.ts';

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
  async write(first: Pick<FoundCall, 'form' | 'name'>): Promise<FinishReason> {
    const { form } = first;
    let { name } = first;
    const spoken = this.written > 0 ? '\n' : '';
    for (let index = 0; ; index++) {
      const stop = await this.#writeCall({
        index,
        before: index === 0 ? spoken + form.first : form.next,
        name,
      });
      if (stop !== 'heard') return finishOf(stop);
      if (index + 1 >= this.#options.calls.max_calls) return finishOf('functionCalls');
      const next = await this.#next(form);
      if (next.type === 'end') return finishOf(next.stop === 'maxTokens' ? 'maxTokens' : 'functionCalls');
      name = next.call.name;
    }
  }

  async #writeCall(call: { index: number; before: string; name: string | undefined }): Promise<Stop> {
    const { run, calls } = this.#options;
    const [only] = calls.functions.size === 1 ? calls.functions.keys() : [];
    const known = call.name ?? only;
    const { name, stop } =
      known === undefined ? await this.#name(call.before) : { name: known, stop: 'heard' as const };
    const grammar = calls.functions.get(name);
    if (stop !== 'heard' || grammar === undefined) return stop;
    const say = (delta: string, head: { id?: string; name?: string } = {}) =>
      run.out.push({
        type: 'tool_call',
        choice: run.choice,
        index: call.index,
        ...head,
        arguments_delta: delta,
      });
    say('', { id: `call_${randomUUID()}`, name });
    this.#put(`${call.before}{"name": "${name}", "arguments":`);
    const json = new JsonEnd();
    let begun = false;
    return this.#decode(grammar, (text) => {
      const end = json.push(text);
      const piece = end === undefined ? text : text.slice(0, end);
      const delta = begun ? piece : piece.trimStart();
      begun ||= delta !== '';
      if (delta !== '') say(delta);
      return end;
    });
  }

  async #name(before: string): Promise<{ readonly name: string; readonly stop: Stop }> {
    const mark = this.#tokens.length;
    this.#put(`${before}{"name": "`);
    let said = '';
    const stop = await this.#decode(this.#options.calls.names, (text) => {
      said += text;
      return said.includes('"') ? text.length : undefined;
    });
    this.#tokens.length = mark;
    return { name: said.slice(0, -1), stop };
  }

  /** Whether another call follows. What else a model would say after its calls ends the answer. */
  async #next(
    form: CallForm,
  ): Promise<
    { readonly type: 'call'; readonly call: FoundCall } | { readonly type: 'end'; readonly stop: Stop }
  > {
    this.#put(`}${form.after}`);
    const mark = this.#tokens.length;
    const next = new NextCall(this.#options.finding);
    let found: ReturnType<NextCall['push']>;
    const stop = await this.#decode(undefined, (text) => {
      found = next.push(text);
      return found === undefined ? undefined : text.length;
    });
    this.#tokens.length = mark;
    return found?.type === 'call' ? found : { type: 'end', stop };
  }

  /** Writes until `hear` has what it wants, and says how much of the last piece it takes. */
  async #decode(
    grammar: LlamaGrammar | undefined,
    hear: (text: string) => number | undefined,
  ): Promise<Stop> {
    const { run } = this.#options;
    const { chat, model, plan, out } = run;
    const full = () => this.written >= plan.max_tokens;
    if (full()) return 'maxTokens';
    await prefill(chat.sequence, this.#tokens, { pace: run.pace, signal: out.signal });
    const held =
      grammar === undefined
        ? {}
        : { grammarEvaluationState: new LlamaGrammarEvaluationState({ model, grammar }) };
    const steps = chat.sequence.evaluate(this.#tokens.slice(-1), { ...samplerOptions(run), ...held });
    let mark = this.#tokens.length;
    for await (const token of steps) {
      out.signal.throwIfAborted();
      this.#tokens.push(token);
      const text = model.detokenize(
        this.#tokens.slice(mark),
        false,
        this.#tokens.slice(Math.max(0, mark - TOKENS_BEFORE), mark),
      );
      // The bytes of one character may come in several tokens.
      if (!text.endsWith('\uFFFD') || full()) {
        const taken = hear(text);
        if (taken !== undefined) {
          if (taken < text.length)
            this.#tokens.splice(mark, Number.POSITIVE_INFINITY, ...this.#tokenize(text.slice(0, taken)));
          return 'heard';
        }
        mark = this.#tokens.length;
      }
      if (full()) return 'maxTokens';
    }
    return 'eogToken';
  }

  #put(text: string): void {
    this.#tokens.push(...this.#tokenize(text));
  }

  #tokenize(text: string): Token[] {
    return this.#options.run.model.tokenize(text);
  }
}
