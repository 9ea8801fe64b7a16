/** How each family of models is shown functions, and how it writes that it calls them. */

import { jsonOf, type Tool } from '@mcp/contracts';
import { jsonDumps } from 'node-llama-cpp';

/** Texts around the calls `{"name": …, "arguments": …}` of one answer. */
interface CallForm {
  readonly before: string;
  readonly between: string;
  readonly after: string;
}

export type MarkerPart =
  | { readonly type: 'text'; readonly text: string }
  /** White space, or none. */
  | { readonly type: 'space' }
  /** The name of one of the functions. */
  | { readonly type: 'name' };

/** A text with which calls begin. */
export interface CallMarker {
  readonly parts: readonly MarkerPart[];
  readonly at_line_start: boolean;
  /** What of it stands before `{"name": …`. */
  readonly before: string;
}

export interface Call {
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

export interface CallSyntax {
  /** How calls of the history are shown, and those that are asked for. */
  readonly form: CallForm;
  readonly markers: readonly CallMarker[];
  instructions(tools: readonly Tool[]): string;
}

/** The syntax of a model, by the name in its file. */
export function callSyntaxOf(model_name: string): CallSyntax {
  return /smollm2/i.test(model_name) ? SMOLLM2 : HERMES;
}

/** Calls that were made before, as the model would have written them. */
export function callsText({ form }: CallSyntax, calls: readonly Call[]): string {
  const texts = calls.map(
    (call) => `{"name": ${JSON.stringify(call.name)}, "arguments": ${spaced(call.arguments)}}`,
  );
  return `${form.before}${texts.join(form.between)}${form.after}`;
}

/** What the functions answered, for the turn of the user. */
export function resultsText(results: readonly string[]): string {
  return results.map((result) => `<tool_response>\n${result}\n</tool_response>`).join('\n');
}

const text = (value: string): MarkerPart => ({ type: 'text', text: value });
const space: MarkerPart = { type: 'space' };

/** A call without a mark: small models leave it out, whatever their template says. It must name one of the functions. */
const BARE: readonly CallMarker[] = ['', '```json', '```', '<tools>'].flatMap((fence) =>
  ['', '['].map((list) => ({
    at_line_start: true,
    before: `${fence === '' ? '' : `${fence}\n`}${list}`,
    parts: [
      ...[fence, list].flatMap((one) => (one === '' ? [] : [text(one), space])),
      ...[
        text('{'),
        space,
        text('"name"'),
        space,
        text(':'),
        space,
        text('"'),
        { type: 'name' } as const,
        text('"'),
      ],
    ],
  })),
);

function functionsText(tools: readonly Tool[]): string {
  return tools
    .map(({ function: { name, description, parameters } }) =>
      jsonDumps({
        type: 'function',
        function: {
          name,
          ...(description === undefined ? {} : { description }),
          parameters: parameters ?? {},
        },
      }),
    )
    .join('\n');
}

const HERMES_FORM: CallForm = {
  before: '<tool_call>\n',
  between: '\n</tool_call>\n<tool_call>\n',
  after: '\n</tool_call>',
};

/**
 * The template of Qwen 2.5 and 3, and of the Hermes models; any model that follows instructions can use it. The last
 * paragraph is ours: without it Qwen2.5-Coder-1.5B calls functions that there are not, and repeats a call for ever.
 */
const HERMES: CallSyntax = {
  form: HERMES_FORM,
  markers: [{ parts: [text('<tool_call>')], at_line_start: false, before: HERMES_FORM.before }, ...BARE],
  instructions: (tools) => `# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
${functionsText(tools)}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>

When a function fits, write the call and nothing else, one for each thing that is asked. When none of these functions fits, do not make one up: answer the user in plain words. Once a <tool_response> is given, do not repeat the call: tell the user the answer in plain words.`,
};

const SMOLLM2_FORM: CallForm = { before: '<tool_call>[', between: ', ', after: ']</tool_call>' };

/** What SmolLM2 was trained with; an empty list is its word for no call, and stays text. */
const SMOLLM2: CallSyntax = {
  form: SMOLLM2_FORM,
  markers: [
    {
      parts: [text('<tool_call>'), space, text('['), space, text('{')],
      at_line_start: false,
      before: SMOLLM2_FORM.before,
    },
    ...BARE,
  ],
  instructions: (
    tools,
  ) => `You are an expert in composing functions. You are given a question and a set of possible functions. Based on the question, you will need to make one or more function/tool calls to achieve the purpose. If none of the functions can be used, answer in words.

You have access to the following tools:
<tools>${functionsText(tools)}</tools>

The format of calls is:
<tool_call>[
{"name": "func_name1", "arguments": {"argument1": "value1", "argument2": "value2"}},
... (more tool calls as required)
]</tool_call>`,
};

/** JSON spaced as models are used to; what is no JSON becomes a string of it. */
function spaced(json: string): string {
  const value = jsonOf(json);
  return value === undefined ? JSON.stringify(json) : jsonDumps(value);
}
