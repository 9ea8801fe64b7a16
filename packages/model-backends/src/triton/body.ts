import { type ChatCompletionRequest, type ChatMessage, PlatformError } from '@mcp/contracts';
import { begunAnswer, maxTokens, stops, textOf } from '../text.ts';

export type Template = 'chatml' | 'plain';

/** Inputs of a model by which it tells more than text; those of vLLM's backend for Triton. */
const TELLING = ['return_finish_reason', 'return_num_input_tokens', 'return_num_output_tokens'];

/** A conversation as one text, which ends where the answer goes on. */
function promptOf(messages: readonly ChatMessage[], template: Template): string {
  const begun = begunAnswer(messages) ?? '';
  const turns = (begun === '' ? messages : messages.slice(0, -1)).map((message) => ({
    role: message.role === 'developer' ? 'system' : message.role,
    text: textOf(message),
  }));
  switch (template) {
    case 'chatml':
      return `${turns.map(({ role, text }) => `<|im_start|>${role}\n${text}<|im_end|>\n`).join('')}<|im_start|>assistant\n${begun}`;
    case 'plain':
      return `${turns.map(({ role, text }) => `${role}: ${text}\n`).join('')}assistant:${begun === '' ? '' : ` ${begun}`}`;
    default:
      return template satisfies never;
  }
}

/** Throws `unsupported_parameter` for what one text cannot ask for. */
function refuseUnsupported({
  n,
  logprobs,
  tools,
  tool_choice,
  response_format,
}: ChatCompletionRequest): void {
  const refused = {
    n: (n ?? 1) > 1,
    logprobs: logprobs === true,
    tools: tools !== undefined,
    tool_choice: tool_choice !== undefined,
    response_format: response_format !== undefined && response_format.type !== 'text',
  };
  for (const [param, asked] of Object.entries(refused))
    if (asked)
      throw new PlatformError(
        'unsupported_parameter',
        `Triton's generate extension takes one text and has no word for ${param}. Remove it, or use Triton's OpenAI front end.`,
        { param },
      );
}

/** The body of `generate` and `generate_stream` for a model with these inputs. */
export function generateBody(
  request: ChatCompletionRequest,
  { inputs, template }: { readonly inputs: ReadonlySet<string>; readonly template: Template },
): object {
  refuseUnsupported(request);
  const given = {
    max_tokens: maxTokens(request),
    temperature: request.temperature,
    top_p: request.top_p,
    top_k: request.top_k,
    min_p: request.min_p,
    seed: request.seed,
    presence_penalty: request.presence_penalty,
    frequency_penalty: request.frequency_penalty,
  };
  const sampling = Object.fromEntries(Object.entries(given).filter(([, value]) => value != null));
  const stop = stops(request.stop);
  return {
    text_input: promptOf(request.messages, template),
    stream: request.stream === true,
    ...Object.fromEntries(TELLING.filter((name) => inputs.has(name)).map((name) => [name, true])),
    // A tensor takes what is no parameter of a request.
    ...(inputs.has('sampling_parameters')
      ? {
          sampling_parameters: JSON.stringify(stop.length === 0 ? sampling : { ...sampling, stop }),
          exclude_input_in_output: true,
        }
      : { parameters: { ...sampling, ...oneStop(stop) } }),
  };
}

/** A parameter is a number, a text or a truth: no list. */
function oneStop([first, ...others]: readonly string[]): { stop?: string } {
  if (others.length > 0)
    throw new PlatformError(
      'unsupported_parameter',
      'This model of Triton takes one stop sequence. Leave the others out.',
      { param: 'stop' },
    );
  return first === undefined ? {} : { stop: first };
}
