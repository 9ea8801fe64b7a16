/** A chat completion in the words of Converse. */
import { type ChatCompletionRequest, type ChatMessage, jsonOf, PlatformError } from '@mcp/contracts';
import { type Block, inTurns } from '@mcp/wire';
import { inlineImage } from '../images.ts';
import { maxTokens, stops, textOf } from '../text.ts';

export function converseBody(request: ChatCompletionRequest): object {
  refuseUnsupported(request);
  const { temperature, top_p, response_format: format } = request;
  const system = request.messages.filter(({ role }) => role === 'system' || role === 'developer');
  const stop = stops(request.stop);
  const inference = {
    maxTokens: maxTokens(request),
    temperature: temperature == null ? undefined : Math.min(1, temperature),
    topP: top_p,
    stopSequences: stop.length === 0 ? undefined : stop,
  };
  const schema = format?.type === 'json_schema' ? format.json_schema : undefined;
  return {
    messages: inTurns(request.messages, turnOf).map(({ role, blocks }) => ({ role, content: blocks })),
    ...(system.length === 0 ? {} : { system: system.map((message) => ({ text: textOf(message) })) }),
    inferenceConfig: Object.fromEntries(Object.entries(inference).filter(([, value]) => value != null)),
    ...toolsOf(request),
    ...(schema === undefined
      ? {}
      : {
          outputConfig: {
            textFormat: {
              type: 'json_schema',
              structure: {
                jsonSchema: {
                  name: schema.name,
                  schema: JSON.stringify(schema.schema ?? { type: 'object' }),
                },
              },
            },
          },
        }),
  };
}

function refuseUnsupported({ n, logprobs, response_format }: ChatCompletionRequest): void {
  const refused = {
    n: (n ?? 1) > 1,
    logprobs: logprobs === true,
    response_format: response_format?.type === 'json_object',
  };
  for (const [param, asked] of Object.entries(refused))
    if (asked)
      throw new PlatformError(
        'unsupported_parameter',
        `Converse has no word for this ${param}. ${param === 'response_format' ? 'Use json_schema.' : 'Remove it.'}`,
        { param },
      );
}

function turnOf(message: ChatMessage): { role: 'user' | 'assistant'; blocks: Block[] } | undefined {
  switch (message.role) {
    case 'system':
    case 'developer':
      return undefined;
    case 'user':
      return { role: 'user', blocks: partsOf(message) };
    case 'tool': {
      const toolUseId = message.tool_call_id;
      return {
        role: 'user',
        blocks: [{ toolResult: { toolUseId, content: [{ text: textOf(message) }] } }],
      };
    }
    case 'assistant': {
      const text = textOf(message);
      const calls = (message.tool_calls ?? []).map(({ id, function: { name, arguments: given } }) => ({
        toolUse: { toolUseId: id, name, input: jsonOf(given) ?? {} },
      }));
      return { role: 'assistant', blocks: [...(text === '' ? [] : [{ text }]), ...calls] };
    }
    default:
      return message satisfies never;
  }
}

function partsOf({ content }: Extract<ChatMessage, { role: 'user' }>): Block[] {
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }];
  return content.map((part): Block => {
    if (part.type === 'text') return { text: part.text };
    const { media_type, data } = inlineImage(part.image_url.url, 'Bedrock');
    return { image: { format: media_type.replace('image/', ''), source: { bytes: data } } };
  });
}

function toolsOf({ tools = [], tool_choice: choice }: ChatCompletionRequest): object {
  if (tools.length === 0 || choice === 'none') return {};
  const toolChoice =
    typeof choice === 'object'
      ? { tool: { name: choice.function.name } }
      : choice === 'required'
        ? { any: {} }
        : undefined;
  return {
    toolConfig: {
      tools: tools.map(({ function: { name, description, parameters } }) => ({
        toolSpec: {
          name,
          ...(description === undefined ? {} : { description }),
          inputSchema: { json: parameters ?? { type: 'object', properties: {} } },
        },
      })),
      ...(toolChoice === undefined ? {} : { toolChoice }),
    },
  };
}
