/** What of a request concerns function calls, checked before the model is touched. */

import { type ChatCompletionRequest, PlatformError, type Tool } from '@mcp/contracts';
import type { Llama, LlamaGrammar } from 'node-llama-cpp';
import { grammarOf } from '../grammar.ts';

/** Which functions may be called, and how. */
export interface CallPlan {
  /** Functions that may be called, with the grammar from their arguments on. */
  readonly functions: ReadonlyMap<string, LlamaGrammar>;
  /** One of the names, with the quote after it. */
  readonly names: LlamaGrammar;
  /** The answer has to begin with a call. */
  readonly forced: boolean;
  readonly max_calls: number;
}

/** As many as a message may have on the wire. */
const MAX_CALLS = 128;
const NO_PARAMETERS = { type: 'object', properties: {} };

/** Tools that the model is to be shown: with `tool_choice: none` there are none. */
export function shownTools({ tools, tool_choice }: ChatCompletionRequest): readonly Tool[] {
  return tool_choice === 'none' ? [] : (tools ?? []);
}

/** Throws `unsupported_parameter` for a schema of parameters that no grammar can hold. */
export async function callPlanOf(
  request: ChatCompletionRequest,
  { llama, tools }: { readonly llama: Llama; readonly tools: readonly Tool[] },
): Promise<CallPlan> {
  const { tool_choice } = request;
  const named = typeof tool_choice === 'object' ? tool_choice.function.name : undefined;
  const allowed = named === undefined ? tools : tools.filter((tool) => tool.function.name === named);
  const names = tools.map((tool) => tool.function.name);
  if (allowed.length === 0)
    throw new PlatformError(
      'invalid_request',
      `tool_choice names the function '${named}', which is not among tools. Name one of: ${names.join(', ')}.`,
      { param: 'tool_choice' },
    );
  const functions = new Map<string, LlamaGrammar>();
  for (const { function: tool } of allowed)
    functions.set(tool.name, await argumentsGrammar(llama, tool.parameters ?? NO_PARAMETERS));
  return {
    functions,
    names: await llama.createGrammar({
      grammar: `root ::= (${[...functions.keys()].map((name) => `"${name}"`).join(' | ')}) "\\""`,
    }),
    forced: named !== undefined || tool_choice === 'required',
    max_calls: named !== undefined || request.parallel_tool_calls === false ? 1 : MAX_CALLS,
  };
}

/** How the library ends each grammar of a JSON schema. */
const JSON_END = ' "\\n\\n\\n\\n" [\\n]*\n';

/**
 * The arguments, the brace that closes the call, and whatever the model says then. A space may stand before them, and
 * more after them: their tokens are as the model has learnt them, which often hold a brace or space of the next part.
 */
async function argumentsGrammar(
  llama: Llama,
  parameters: Readonly<Record<string, unknown>>,
): Promise<LlamaGrammar> {
  const { grammar } = await grammarOf(llama, parameters, { param: 'tools', strict: false });
  if (!grammar.includes(JSON_END))
    throw new Error('node-llama-cpp ends the grammar of a JSON schema in another way now');
  return llama.createGrammar({
    grammar: `${grammar.replace(JSON_END, '\n')}\ncall ::= [ ]? root [ \\n]* "}" [^\\x00]*`,
    rootRuleName: 'call',
  });
}
